"""What is asked where a picture was recognized by what was taught: which name it is like, and by which pictures."""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import DataError, UsageError
from ..model.taught import Taught
from ..tasks.asking import Asked, Outputs, Question, few_of
from .explanation import Similar

__all__ = ["ask_gallery", "names_in", "similar_in"]

_SIMILAR = 6  # pictures


def names_in(taught: Taught) -> list[str]:
    """The names that were taught."""
    gallery = taught.existing()
    return [] if gallery is None else [named.name for named in gallery.names]


def ask_gallery(taught: Taught, outputs: Outputs, label: str | None) -> Asked:
    """How much a picture is like the name that it is nearest to, or like the one that is asked for."""
    names, row = names_in(taught), taught.row(outputs)
    if not names:
        raise DataError(f"{taught.path}: nothing was taught yet that a picture could be like: edgelens teach NAME")
    if label is not None and label not in names:
        raise UsageError(f"--class {label}: nothing was taught under this name; there are {few_of(names)}")
    gallery = taught.gallery(len(row))
    name = label or gallery.match(row).nearest
    return Asked((Question(name, lambda less: max(gallery.likeness(name, taught.row(less)), 0.0)),))


def similar_in(taught: Taught, outputs: Outputs) -> tuple[Similar, ...]:
    """What was shown and is most like a picture, with the small copies that were kept."""
    row = taught.row(outputs)
    return tuple(
        Similar(name, cosine, cv2.imdecode(np.frombuffer(kept, np.uint8), cv2.IMREAD_COLOR) if kept else None)
        for name, cosine, kept in taught.gallery(len(row)).nearest(row, _SIMILAR)
    )
