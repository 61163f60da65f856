"""The formats by name: where a data set's pictures lie, and what is written for one of them and for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from .marks import Classes, Done, Marks

__all__ = ["FORMATS", "Form", "form_of"]


@dataclass(frozen=True)
class Form:
    """How labels become a data set; `text` is written after every change, `whole` now and then and at the end."""

    pictures: Callable[[Marks], str]  # the folder that a picture lies in; "" where it has none yet
    own: Callable[[str], str] | None = None  # where a picture's own labels lie, by its name
    text: Callable[[str, Marks, Classes], str] | None = None  # what stands there
    whole: Callable[[Path, Done, Classes], None] | None = None
    boxes: bool = True  # else one label a picture
    crowds: bool = False  # it has a place for what counts neither way


def _coco() -> Form:
    from .as_coco import write_all

    return Form(lambda _: "images", whole=write_all, crowds=True)


def _yolo() -> Form:
    from .as_yolo import place_of, text_of, write_names

    return Form(lambda _: "images", place_of, text_of, write_names)


def _voc() -> Form:
    from .as_voc import place_of, text_of

    return Form(lambda _: "JPEGImages", place_of, text_of, crowds=True)


def _folders() -> Form:
    from ..live.shared.collect import class_folder

    return Form(lambda marks: class_folder(marks.label) if marks.label else "", boxes=False)


FORMATS: dict[str, Callable[[], Form]] = {"coco": _coco, "yolo": _yolo, "voc": _voc, "folders": _folders}


def form_of(name: str) -> Form:
    """A format that was asked for."""
    if name not in FORMATS:
        raise UsageError(f"--format {name}: must be one of {', '.join(FORMATS)}")
    return FORMATS[name]()
