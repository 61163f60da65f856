"""Families of bare model files by name, and the order in which a file that says nothing is tried."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from ..formats.description import ModelDescription
from .classify import read_as_classifier
from .reading import Reading
from .ssd import read_as_ssd
from .ultraface import read_as_ultraface
from .ultralytics_reading import read_as_ultralytics
from .yolox import read_as_yolox

__all__ = ["LAYOUTS", "READINGS", "Reader"]


class Reader(Protocol):
    """Recognizes a bare file as one of a family: None where it is not one; `asked` when the user named the family."""

    def __call__(self, file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
        """The family's contract for the file."""


# what `--decode` takes, in the order in which a file is tried that was not said what it is
READINGS: dict[str, Reader] = {
    "ultralytics": read_as_ultralytics,
    "ssd": read_as_ssd,
    "ultraface": read_as_ultraface,
    "yolox": read_as_yolox,
    "classify": read_as_classifier,
}

# more specific words for `--decode`, never guessed
LAYOUTS: dict[str, Reader] = {
    "yolov5": partial(read_as_ultralytics, layout="v5"),
    "yolov8": partial(read_as_ultralytics, layout="v8"),
}
