"""What the command line can say about a model: the options that a bare file needs and a bundle brings along."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from ..errors import UsageError
from ..preprocess import COLORS, RESIZES

__all__ = ["ModelOptions", "numbers"]


@dataclass(frozen=True)
class ModelOptions:
    """Every value as it was said, None where nothing was."""

    labels: tuple[str, ...] | None = None
    labels_from: str = "labels"  # how messages call them
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    color: str | None = None
    resize: str | None = None
    pad: int | None = None
    size: tuple[int, int] | None = None  # height and width
    decoder: str | None = None
    threshold: float | None = None
    iou: float | None = None
    max_det: int | None = None
    classes: tuple[str, ...] | None = None  # names or numbers

    def __post_init__(self) -> None:
        for value, name, choices in ((self.color, "--color", COLORS), (self.resize, "--resize", RESIZES)):
            if value is not None and value not in choices:
                raise UsageError(f"{name} {value}: must be one of {', '.join(choices)}")
        for number, name in ((self.threshold, "--threshold"), (self.iou, "--iou")):
            if number is not None and not 0 <= number <= 1:
                raise UsageError(f"{name} {number}: must be between 0 and 1")
        if self.pad is not None and not 0 <= self.pad <= 255:
            raise UsageError(f"--pad {self.pad}: must be between 0 and 255")
        if self.max_det is not None and self.max_det < 1:
            raise UsageError(f"--max-det {self.max_det}: must be at least 1")
        if self.std is not None and 0.0 in self.std:
            raise UsageError("--std: must not be 0")

    def said_of_pixels(self) -> tuple[str, ...]:
        """The options that were given and that only a bare model file takes."""
        names = ("mean", "std", "color", "resize", "pad", "size", "decoder")
        return tuple(f.name for f in fields(self) if f.name in names and getattr(self, f.name) is not None)


def numbers(value: str | float | Sequence[float] | None, option: str) -> tuple[float, ...] | None:
    """One number or three from an option as it was written, `127.5` or `123.7,116.3,103.5`."""
    if value is None:
        return None
    try:
        parts = value.split(",") if isinstance(value, str) else [value] if isinstance(value, (int, float)) else value
        found = tuple(float(part) for part in parts)
    except ValueError:
        found = ()
    if len(found) not in (1, 3) or not all(map(math.isfinite, found)):
        raise UsageError(f"{option} {value}: write one number, or one a channel with commas between")
    return found
