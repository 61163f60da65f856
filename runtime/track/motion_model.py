"""Where a box will be: a Kalman filter of constant velocity for many boxes at once, in seconds as they really pass.

Centre and sides of a box are four filters that know nothing of each other, so that all of it is sums and products of
(N, 4) arrays. How much a thing may be accelerated, and how far a box may be off, goes by the box's size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Motion", "MotionNoise", "centres", "corners_of"]

Array = NDArray[np.float64]
PLACE, SPEED, PLACE_VAR, BOTH_VAR, SPEED_VAR = range(5)  # the planes of a state (N, 5, 4)

# sides are not taken to go on growing: a thing that comes into the picture, or out from behind a post, soon is whole
_CENTRE = np.array([1.0, 1.0, 0.0, 0.0])
_SIDES_STAY = np.array([0.0, 1.0, 0.0, 0.0])[:, None]


@dataclass(frozen=True)
class MotionNoise:
    """Standard deviations in shares of a box's size."""

    measured: float = 0.05  # of a box that a detector drew
    drift: float = 0.15  # of the place, in a second
    push: float = 1.0  # of the speed (sizes a second), in a second
    start_speed: float = 1.5  # of a new thing, sizes a second


@dataclass
class Motion:
    """The filters of N boxes; rows are boxes, the four numbers centre x, centre y, width, height."""

    state: Array  # (N, 5, 4): place, speed, and the variances of place, of both, of speed
    noise: MotionNoise

    @classmethod
    def of(cls, places: Array, noise: MotionNoise) -> Motion:
        """Filters of boxes (N, 4) that are seen for the first time."""
        state = np.zeros((len(places), 5, 4))
        size = _sizes(places)
        state[:, PLACE] = places
        state[:, PLACE_VAR] = (noise.measured * size) ** 2
        state[:, SPEED_VAR, :2] = (noise.start_speed * size) ** 2
        return cls(state, noise)

    @property
    def places(self) -> Array:
        """(N, 4) where the boxes are taken to be."""
        return self.state[:, PLACE]

    @property
    def doubt(self) -> Array:
        """(N, 2) the standard deviation of the centre, in pixels."""
        return np.sqrt(self.state[:, PLACE_VAR, :2])

    def predict(self, seconds: float) -> None:
        """Let time pass."""
        s, size = self.state, _sizes(self.state[:, PLACE])
        push = (self.noise.push * size) ** 2 * _CENTRE
        drift = (self.noise.drift * size) ** 2 * seconds
        s[:, PLACE] += seconds * s[:, SPEED]
        s[:, PLACE, 2:] = np.maximum(s[:, PLACE, 2:], 1.0)  # a side is a pixel at least
        s[:, PLACE_VAR] += seconds * (2 * s[:, BOTH_VAR] + seconds * s[:, SPEED_VAR]) + push * seconds**3 / 3 + drift
        s[:, BOTH_VAR] += seconds * s[:, SPEED_VAR] + push * seconds**2 / 2
        s[:, SPEED_VAR] += push * seconds

    def correct(self, rows: NDArray[np.intp], seen: Array) -> None:
        """Take in the boxes (M, 4) that were seen of some rows."""
        s = self.state[rows]
        spread = s[:, PLACE_VAR] + (self.noise.measured * _sizes(seen)) ** 2
        gain, speed_gain = s[:, PLACE_VAR] / spread, s[:, BOTH_VAR] / spread
        off = seen - s[:, PLACE]
        s[:, PLACE] += gain * off
        s[:, SPEED] += speed_gain * off
        s[:, SPEED_VAR] -= speed_gain * s[:, BOTH_VAR]
        s[:, BOTH_VAR] *= 1 - gain
        s[:, PLACE_VAR] *= 1 - gain
        s[:, SPEED:, 2:] *= _SIDES_STAY
        self.state[rows] = s


def centres(corner_boxes: Array) -> Array:
    """Boxes (N, 4) from corners to centre and sides."""
    sides = corner_boxes[:, 2:] - corner_boxes[:, :2]
    return np.concatenate([corner_boxes[:, :2] + sides / 2, sides], axis=1)


def corners_of(places: Array) -> Array:
    """Boxes (N, 4) from centre and sides to corners."""
    half = places[:, 2:] / 2
    return np.concatenate([places[:, :2] - half, places[:, :2] + half], axis=1)


def _sizes(places: Array) -> Array:
    """(N, 1) how large each box is, the mean of its sides."""
    return np.asarray(np.maximum((places[:, 2:3] + places[:, 3:4]) / 2, 1.0))
