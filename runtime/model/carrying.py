"""What was taught to one network, carried over to another: the pictures that were kept are looked at again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ImageError
from ..gallery.exemplar import Exemplar, new_lesson
from ..gallery.file import GalleryFile
from ..images.read import decode_image
from ..preprocess import fit_frame
from .teaching import Teacher

__all__ = ["Carried", "carry_over"]


@dataclass(frozen=True)
class Carried:
    """What was carried over, and what could not be."""

    pictures: int
    names: int
    there_already: int
    left: Mapping[str, int]  # pictures of each name of which no copy was kept
    lesson: str  # by which all of it can be taken back


def carry_over(old: Path, teacher: Teacher) -> Carried:
    """Teach another network the names of an old gallery, as one lesson."""
    gallery, lesson, there = teacher.gallery(), new_lesson(), 0
    known = {(exemplar.name, exemplar.picture) for exemplar in gallery.exemplars()}
    rows, left = list[Exemplar](), Counter[str]()
    for exemplar in GalleryFile(old).exemplars():
        again = _seen_anew(teacher, exemplar)
        if again is None:
            left[exemplar.name] += 1
        elif (again.name, again.picture) in known:
            there += 1
        else:
            rows.append(replace(again, lesson=lesson))
    if rows:
        gallery.append(rows)
    return Carried(len(rows), len({row.name for row in rows}), there, left, lesson)


def _seen_anew(teacher: Teacher, exemplar: Exemplar) -> Exemplar | None:
    """The exemplar with another network's features; None where no picture of it is kept."""
    if not exemplar.picture:
        return None
    try:
        picture = decode_image(exemplar.picture, exemplar.name)
    except ImageError:
        return None
    pixels, _ = fit_frame(picture, teacher.network.network.pixels)  # what is kept was cut out already
    return replace(exemplar, vector=teacher.row(pixels))
