"""What was taught to one network, for another: the pictures that were kept are looked at again."""

from __future__ import annotations

from dataclasses import replace

from ..errors import ImageError
from ..gallery.exemplar import Exemplar
from ..images.read import decode_image
from ..preprocess import fit_frame
from .teaching import Teacher

__all__ = ["reembedded"]


def reembedded(teacher: Teacher, exemplar: Exemplar) -> Exemplar | None:
    """The exemplar with another network's features; None where no picture of it is kept."""
    if not exemplar.picture:
        return None
    try:
        picture = decode_image(exemplar.picture, exemplar.name)
    except ImageError:
        return None
    network = teacher.network
    pixels, _ = fit_frame(picture, network.network.pixels)  # what is kept was cut out already
    return replace(exemplar, vector=teacher.row(pixels))
