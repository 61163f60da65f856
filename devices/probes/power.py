"""What the board draws, where it can be read: Jetson's INA sensors, hwmon power inputs, RAPL."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from .files import read_number, read_text, under

__all__ = ["EnergyCounter", "PowerMeter"]

_RAPL = "sys/class/powercap/intel-rapl:0"
_BOARD_RAILS = ("VDD_IN", "POM_5V_IN", "VIN_SYS_5V0")


@dataclass(frozen=True)
class EnergyCounter:
    """One reading of a counter of energy: joules at a moment, and where the counter wraps."""

    joules: float
    at_s: float
    range_j: float


class PowerMeter:
    """Watts now; a counter of energy needs two looks, so its first answer is None."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._before: EnergyCounter | None = None

    def watts(self) -> float | None:
        """The board's (INA) or the processor package's (RAPL) power in watts; None where nothing measures it."""
        for look in (self._ina3221, self._ina3221_iio, self._power_input):
            power = look()
            if power is not None:
                return power
        return self._rapl()

    def source(self) -> str | None:
        """Which sensor answers, in words."""
        if self._ina3221() is not None or self._ina3221_iio() is not None:
            return "INA3221, the board's input"
        if self._power_input() is not None:
            return "hwmon power input"
        return "RAPL, the processor package" if self._energy() is not None else None

    def _ina3221(self) -> float | None:
        for sensor in under(self._root, "sys/class/hwmon/hwmon*"):
            if read_text(self._root, f"{sensor}/name") != "ina3221":
                continue
            for channel in (1, 2, 3):
                if read_text(self._root, f"{sensor}/in{channel}_label") in _BOARD_RAILS:
                    milli_v = read_number(self._root, f"{sensor}/in{channel}_input")
                    milli_a = read_number(self._root, f"{sensor}/curr{channel}_input")
                    if milli_v is not None and milli_a is not None:
                        return milli_v * milli_a / 1e6
        return None

    def _ina3221_iio(self) -> float | None:
        for path in under(self._root, "sys/bus/i2c/drivers/ina3221x/*/iio:device*"):
            if read_text(self._root, f"{path}/rail_name_0") in _BOARD_RAILS:
                milli_w = read_number(self._root, f"{path}/in_power0_input")
                return None if milli_w is None else milli_w / 1000
        return None

    def _power_input(self) -> float | None:
        for path in under(self._root, "sys/class/hwmon/hwmon*/power1_input"):
            micro_w = read_number(self._root, path)
            if micro_w is not None:
                return micro_w / 1e6
        return None

    def _energy(self) -> EnergyCounter | None:
        micro_j = read_number(self._root, f"{_RAPL}/energy_uj")
        top = read_number(self._root, f"{_RAPL}/max_energy_range_uj") or 0
        return None if micro_j is None else EnergyCounter(micro_j / 1e6, time.monotonic(), top / 1e6)

    def _rapl(self) -> float | None:
        now, before = self._energy(), self._before
        self._before = now
        if now is None or before is None or now.at_s - before.at_s < 1e-3:
            return None
        spent = now.joules - before.joules
        if spent < 0:
            spent += now.range_j  # it began anew
        if spent < 0:  # and where it ends is not known
            return None
        return spent / (now.at_s - before.at_s)
