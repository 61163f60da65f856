"""How hot the processor is."""

from __future__ import annotations

from pathlib import Path

from .files import read_number, read_text, under

__all__ = ["temperature_c", "temperatures_c"]

_PROCESSOR = ("cpu", "soc", "x86_pkg", "coretemp", "k10temp", "package", "tj")


def temperatures_c(root: Path) -> dict[str, float]:
    """Every thermal zone and processor sensor that answers, by the kernel's name for it."""
    temperatures: dict[str, float] = {}
    for zone in under(root, "sys/class/thermal/thermal_zone*"):
        milli = read_number(root, f"{zone}/temp")
        if milli is not None and -40_000 < milli < 200_000:
            temperatures[read_text(root, f"{zone}/type") or Path(zone).name] = milli / 1000
    if not temperatures:
        for sensor in under(root, "sys/class/hwmon/hwmon*"):
            milli = read_number(root, f"{sensor}/temp1_input")
            name = read_text(root, f"{sensor}/name") or Path(sensor).name
            if milli is not None and 0 < milli < 200_000:
                temperatures[name] = milli / 1000
    return temperatures


def temperature_c(root: Path) -> float | None:
    """The processor's temperature: the hottest zone named for it, else the hottest there is."""
    zones = temperatures_c(root)
    processor = [value for name, value in zones.items() if any(part in name.lower() for part in _PROCESSOR)]
    return max(processor or zones.values(), default=None)
