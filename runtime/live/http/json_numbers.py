"""What counts as a number in JSON that strangers send: neither true nor NaN, nor digits that no float can hold."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

__all__ = ["is_box", "is_number"]


def is_number(value: Any) -> bool:
    """Whether it is a finite number; JSON's whole numbers may have any length."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def is_box(value: Any) -> TypeGuard[list[float]]:
    """Whether it is a list of four such numbers."""
    return isinstance(value, list) and len(value) == 4 and all(map(is_number, value))
