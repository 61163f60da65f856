"""Families of bare model files by name, and the order in which a file that says nothing is tried.

A family's file is imported when the outputs' ranks leave it possible at all: a classifier starts without the detectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

from ..formats.description import ModelDescription
from .reading import Reading

__all__ = ["LAYOUTS", "READINGS", "Reader", "readers_for"]


class Reader(Protocol):
    """Recognizes a bare file as one of a family: None where it is not one; `asked` when the user named the family."""

    def __call__(self, file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
        """The family's contract for the file."""


def _edgelens() -> Reader:
    from .kit_reading import read_as_kit_file

    return read_as_kit_file


def _ultralytics() -> Reader:
    from .ultralytics_reading import read_as_ultralytics

    return read_as_ultralytics


def _yolov5() -> Reader:
    from .ultralytics_reading import read_as_ultralytics

    return partial(read_as_ultralytics, layout="v5")


def _yolov8() -> Reader:
    from .ultralytics_reading import read_as_ultralytics

    return partial(read_as_ultralytics, layout="v8")


def _ssd() -> Reader:
    from .ssd import read_as_ssd

    return read_as_ssd


def _ultraface() -> Reader:
    from .ultraface import read_as_ultraface

    return read_as_ultraface


def _yolox() -> Reader:
    from .yolox import read_as_yolox

    return read_as_yolox


def _classify() -> Reader:
    from .classify import read_as_classifier

    return read_as_classifier


def _has_rows(file: ModelDescription) -> bool:
    """Whether an output could be rows of boxes."""
    return any(len(output.shape) == 3 for output in file.outputs)


# name → (whether a look is worth it, loader), in the order in which a file is tried that was not said what it is
READINGS: dict[str, tuple[Callable[[ModelDescription], bool], Callable[[], Reader]]] = {
    "edgelens": (lambda file: "input" in file.metadata, _edgelens),
    "ultralytics": (lambda file: "names" in file.metadata or _has_rows(file), _ultralytics),
    "ssd": (lambda file: len(file.outputs) >= 3, _ssd),
    "ultraface": (lambda file: len(file.outputs) == 2 and _has_rows(file), _ultraface),
    "yolox": (_has_rows, _yolox),
    "classify": (lambda file: True, _classify),  # noqa: ARG005
}

# more specific words for `--decode`, never guessed
LAYOUTS: dict[str, Callable[[], Reader]] = {"yolov5": _yolov5, "yolov8": _yolov8}


def readers_for(file: ModelDescription, asked: str | None) -> Iterator[Reader]:
    """The asked family's reader, or those of all families that are worth a look."""
    if asked is not None:
        yield LAYOUTS[asked]() if asked in LAYOUTS else READINGS[asked][1]()
        return
    for worth_it, load in READINGS.values():
        if worth_it(file):
            yield load()
