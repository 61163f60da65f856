"""What was seen as a program gets it: rows that can be drawn.

Inside the kit rows cannot: what draws them is the task, and tasks are made of rows.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..recognitions import Recognitions

if TYPE_CHECKING:
    from ..images.given import Picture

__all__ = ["Seen"]


class Seen(Recognitions):
    """Recognitions that know how they are drawn."""

    @classmethod
    def of(cls, rows: Recognitions) -> Seen:
        """The same rows."""
        return cls(**{each.name: getattr(rows, each.name) for each in fields(rows)})

    def draw(self, image: Picture) -> NDArray[np.uint8]:
        """A copy of the picture, uint8 BGR, with what is in it drawn on; a tiny one is enlarged for its text."""
        from ..images.given import picture_of
        from .drawing import drawn_on  # a program that shows nothing loads none of what draws

        return drawn_on(picture_of(image), self)
