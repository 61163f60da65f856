"""How much the places of two rows have in common: upright boxes', or those of boxes at an angle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ..decode.boxes import overlaps

__all__ = ["Places", "Turned", "Upright"]


class Places(Protocol):
    """Where rows are."""

    @property
    def areas(self) -> NDArray[Any]:
        """(N,) of each row."""

    def shared(self, row: int, others: NDArray[np.intp]) -> NDArray[Any]:
        """(K,) the area that a row has in common with each of the others."""

    def alike(self, row: int, others: NDArray[np.intp]) -> NDArray[Any]:
        """(K,) how much a row and each of the others are one, 0 to 1, as suppression measures it."""


@dataclass(frozen=True)
class Upright:
    """Boxes (N, 4) as corners."""

    boxes: NDArray[Any]

    @cached_property
    def areas(self) -> NDArray[Any]:
        """(N,) of each box."""
        return np.asarray(np.prod(np.maximum(self.boxes[:, 2:] - self.boxes[:, :2], 0), axis=1))

    def shared(self, row: int, others: NDArray[np.intp]) -> NDArray[Any]:
        """(K,) the area of what two boxes cover both."""
        one, rest = self.boxes[row], self.boxes[others]
        near, far = np.maximum(one[:2], rest[:, :2]), np.minimum(one[2:], rest[:, 2:])
        return np.asarray(np.prod(np.maximum(far - near, 0), axis=1))

    def alike(self, row: int, others: NDArray[np.intp]) -> NDArray[Any]:
        """(K,) intersection over union."""
        return np.asarray(overlaps(self.boxes[row : row + 1], self.boxes[others])[0])


@dataclass(frozen=True)
class Turned:
    """Boxes at an angle, by their four corners (N, 4, 2)."""

    corners: NDArray[np.float32]

    @cached_property
    def areas(self) -> NDArray[Any]:
        """(N,) of each box."""
        return self._rectangles[:, 2] * self._rectangles[:, 3]

    def shared(self, row: int, others: NDArray[np.intp]) -> NDArray[Any]:
        """(K,) the area of what two boxes cover both."""
        areas = self._around.shared(row, others)
        for place in np.flatnonzero(areas).tolist():
            areas[place] = cv2.intersectConvexConvex(self._quads[row], self._quads[others[place]])[0]
        return areas

    def alike(self, row: int, others: NDArray[np.intp]) -> NDArray[Any]:
        """(K,) how alike the Gaussians are that two boxes stand for."""
        from ..decode.rotated import alike

        return alike(np.repeat(self._rectangles[row : row + 1], len(others), axis=0), self._rectangles[others])

    @cached_property
    def _rectangles(self) -> NDArray[np.float64]:
        """(N, 5) center x, y, width, height and angle in radians of the smallest rectangle around each."""
        found = [(*center, *size, np.radians(angle)) for center, size, angle in map(cv2.minAreaRect, self.corners)]
        return np.array(found, np.float64).reshape(-1, 5)

    @cached_property
    def _quads(self) -> NDArray[np.float32]:
        """(N, 4, 2) these rectangles' corners."""
        from ..decode.rotated import corners_of_rotated

        return corners_of_rotated(self._rectangles)

    @cached_property
    def _around(self) -> Upright:
        """The upright boxes around them."""
        return Upright(np.concatenate([self._quads.min(axis=1), self._quads.max(axis=1)], axis=1))
