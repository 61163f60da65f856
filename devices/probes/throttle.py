"""Whether the board slowed itself down: now, and at any time since it was started."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .files import read_number, read_text, under

__all__ = ["Throttling", "decode_throttled", "throttling"]

_FIRMWARE = "sys/devices/platform/soc*/soc*:firmware/get_throttled"  # soc@107c000000 on a Pi 5
# the firmware's bits: `now` in 0-3, `has happened since boot` in the same order from bit 16
_BITS = ("under-voltage", "clock capped", "throttled", "soft temperature limit")


@dataclass(frozen=True)
class Throttling:
    """What one board says of its throttling; None where it cannot say."""

    now: bool | None = None
    since_boot: bool | None = None
    reasons: tuple[str, ...] = ()
    source: str = ""
    events: int | None = None  # a counter of throttling events, where the kernel keeps one


def throttling(root: Path) -> Throttling:
    """The board's own word: Raspberry Pi firmware, Jetson's and x86's counters, else cooling states."""
    for look in (_firmware, _vcgencmd, _over_current, _x86_counters, _cooling):
        state = look(root)
        if state is not None:
            return state
    return Throttling()


def decode_throttled(bits: int, source: str) -> Throttling:
    """The Raspberry Pi firmware's bit mask in words."""
    now = [name for i, name in enumerate(_BITS) if bits >> i & 1]
    past = [f"{name} since boot" for i, name in enumerate(_BITS) if bits >> (16 + i) & 1 and name not in now]
    return Throttling(bool(bits & 0xF), bool(bits & 0xF000F), (*now, *past), source)


def _firmware(root: Path) -> Throttling | None:
    for path in under(root, _FIRMWARE):
        bits = read_number(root, path, 16)
        if bits is not None:
            return decode_throttled(bits, f"/{path}")
    return None


def _vcgencmd(root: Path) -> Throttling | None:
    if root != Path("/") or "Raspberry Pi" not in (read_text(root, "sys/firmware/devicetree/base/model") or ""):
        return None
    import subprocess  # only an older Raspberry Pi comes here, and every camera starts here

    try:
        done = subprocess.run(["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=2, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"throttled=0x([0-9a-fA-F]+)", done.stdout)
    return decode_throttled(int(match[1], 16), "vcgencmd get_throttled") if match else None


def _over_current(root: Path) -> Throttling | None:
    counts = [read_number(root, path) for path in under(root, "sys/class/hwmon/hwmon*/oc*_event_cnt")]
    known = [count for count in counts if count is not None]
    if not known:
        return None
    cooling = _cooling(root)
    now = cooling.now if cooling else None
    reasons = (("over-current since boot",) if sum(known) else ()) + (cooling.reasons if cooling else ())
    return Throttling(now, bool(sum(known)) or bool(now), reasons, "over-current counters", sum(known))


def _x86_counters(root: Path) -> Throttling | None:
    pattern = "sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/package_throttle_count"
    known = [count for count in (read_number(root, path) for path in under(root, pattern)) if count is not None]
    if not known:
        return None
    reasons = ("throttled by heat since boot",) if max(known) else ()
    return Throttling(None, bool(max(known)), reasons, "thermal_throttle counters", max(known))


def _cooling(root: Path) -> Throttling | None:
    """Cooling devices that slow processors; fans are cooling devices too and do not count."""
    states: dict[str, int] = {}
    for path in under(root, "sys/class/thermal/cooling_device*"):
        kind = read_text(root, f"{path}/type") or ""
        state = read_number(root, f"{path}/cur_state")
        if state is not None and re.search(r"cpufreq|throttle|cpu-alert|Processor", kind):
            states[kind] = max(state, states.get(kind, 0))
    if not states:
        return None
    active = tuple(f"{kind} slowed by {state}" for kind, state in states.items() if state)
    return Throttling(bool(active), None, active, "cooling devices")
