"""How fast the processor runs now, how fast it may, and who decides."""

from __future__ import annotations

from pathlib import Path

from .files import read_number, read_text, under

__all__ = ["clock_mhz", "governor", "max_clock_mhz"]

_FREQ = "sys/devices/system/cpu/cpu[0-9]*/cpufreq"


def clock_mhz(root: Path) -> float | None:
    """The fastest core's clock as the kernel last set it; x86 without cpufreq says its own in /proc/cpuinfo."""
    khz = [read_number(root, f"{path}/scaling_cur_freq") for path in under(root, _FREQ)]
    if known := [value for value in khz if value]:
        return max(known) / 1000
    text = read_text(root, "proc/cpuinfo") or ""
    listed = [line.split(":")[1] for line in text.splitlines() if line.startswith("cpu MHz")]
    try:
        return max((float(value) for value in listed), default=None)
    except ValueError:
        return None


def max_clock_mhz(root: Path) -> float | None:
    """The clock the fastest core may reach."""
    khz = [read_number(root, f"{path}/cpuinfo_max_freq") for path in under(root, _FREQ)]
    return max((value / 1000 for value in khz if value), default=None)


def governor(root: Path) -> str | None:
    """The frequency governor; several are joined where clusters differ."""
    names = {read_text(root, f"{path}/scaling_governor") for path in under(root, _FREQ)} - {None, ""}
    return "+".join(sorted(str(name) for name in names)) or None
