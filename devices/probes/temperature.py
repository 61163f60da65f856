"""How hot the processor is."""

from __future__ import annotations

from pathlib import Path

from .files import read_number, read_text, under

__all__ = ["temperature_c"]

_PROCESSOR = ("cpu", "soc", "x86_pkg", "coretemp", "k10temp", "package", "tj")


def temperature_c(root: Path) -> float | None:
    """The processor's temperature: the hottest zone named for it, else the hottest there is."""
    found = _temperatures_c(root)
    processor = [value for name, value in found if any(part in name.lower() for part in _PROCESSOR)]
    return max(processor or (value for _, value in found), default=None)


def _temperatures_c(root: Path) -> list[tuple[str, float]]:
    """Every thermal zone, else processor sensor, that answers, by the kernel's name for it: several may have one."""
    found = []
    for zone in under(root, "sys/class/thermal/thermal_zone*"):
        milli = read_number(root, f"{zone}/temp")
        if milli is not None and -40_000 < milli < 200_000:
            found.append((read_text(root, f"{zone}/type") or Path(zone).name, milli / 1000))
    if found:
        return found
    for sensor in under(root, "sys/class/hwmon/hwmon*"):
        milli = read_number(root, f"{sensor}/temp1_input")
        if milli is not None and 0 < milli < 200_000:
            found.append((read_text(root, f"{sensor}/name") or Path(sensor).name, milli / 1000))
    return found
