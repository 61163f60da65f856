"""Round numbers for an axis, and how they are written."""

from __future__ import annotations

import math

__all__ = ["log_ticks", "ticks", "written"]


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten that span the values, both ends included."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    rough = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each power of ten between two values, the powers alone where there are many."""
    ticks = [
        round(times * 10.0**power, 12)
        for power in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
        for times in (1, 2, 5)
        if low <= times * 10.0**power <= high
    ]
    return [tick for tick in ticks if f"{tick:e}".startswith("1")] if len(ticks) > 9 else ticks


def written(value: float) -> str:
    """A number as people write it: never with an exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
