"""What a later step looks at: the rows of an earlier one cut out of the frame, with a margin, levelled where asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Step
from ..errors import ModelError
from ..preprocess import PixelContract, Placement, Region, fit_frame
from ..recognitions import CORNERS, Recognitions

__all__ = ["MOST_CROPS", "Crop", "can_be_levelled", "crops_of", "largest", "picture_of_crop"]

MOST_CROPS = 1000  # of a step in one frame: all are in memory together, and a network may find any number of things

_LEAST, _FARTHEST = 1.0, 1e6  # pixels of a box's side; of any place: what lies beyond, or is no number, is none


@dataclass(frozen=True)
class Crop:
    """One row as the network's picture, and the way back into the frame."""

    row: int
    pixels: NDArray[np.uint8]  # (H, W, C)
    placement: Placement
    back: NDArray[np.float32] | None = None  # (2, 3): from the levelled picture into the frame

    def in_frame(self, seen: Recognitions) -> Recognitions:
        """What was seen in the crop with its boxes and keypoints in the frame's pixels."""
        if self.back is None:
            return seen
        x, y, w, h = seen.places.T
        corners = np.stack([[x, y], [x + w, y], [x, y + h], [x + w, y + h]]).transpose(2, 0, 1)  # (N, 4, 2)
        turned = _moved(corners, self.back)
        low, high = turned.min(axis=1), turned.max(axis=1)
        points = seen.keypoints
        if points is not None:
            points = np.concatenate([_moved(points[..., :2], self.back), points[..., 2:]], axis=2)
        extra = dict(seen.extra)
        if CORNERS in extra:
            extra[CORNERS] = _moved(extra[CORNERS], self.back)
        # a mask lies in an upright box, which a turned one is no more
        return replace(seen, boxes=np.concatenate([low, high - low], axis=1), keypoints=points, masks=None, extra=extra)


def crops_of(
    image: NDArray[np.uint8], found: Recognitions, step: Step, pixels: PixelContract, *, without: Collection[int] = ()
) -> list[Crop]:
    """The crops of a step, one a row that has a box and a label the step wants; `without` some rows.

    Of more than `MOST_CROPS` those with the best scores are looked at.
    """
    places = found.places
    if len(found) and np.isnan(places).all():
        raise ModelError(f"the step {step.output!r} crops {step.region!r}, whose network finds no boxes")
    crops = []
    for row in _wanted(found, step, without):
        box = _widened(places[row], step.margin).tolist()
        levelled = _level_picture(image, found, row, box, step)
        if levelled is None:
            crops.append(Crop(row, *fit_frame(image, pixels, _inside(image, *box))))
        else:
            level, turn = levelled
            crops.append(Crop(row, *fit_frame(level, pixels), cv2.invertAffineTransform(turn).astype(np.float32)))
    return crops


def can_be_levelled(found: Recognitions, align: str) -> bool:
    """Whether a row at least has what its crop is levelled by."""
    step = Step(align=align)
    rows = ((row, found.places[row].tolist()) for row in range(len(found)))
    return any(_levelled(found, row, (x, y, w, h), step) is not None for row, (x, y, w, h) in rows)


def largest(crops: Sequence[Crop], found: Recognitions) -> Crop | None:
    """The crop of the largest thing; None where there is none."""
    return max(crops, key=lambda crop: float(np.prod(found.places[crop.row, 2:])), default=None)


def picture_of_crop(image: NDArray[np.uint8], found: Recognitions, step: Step, crop: Crop) -> NDArray[np.uint8]:
    """What a crop shows in the frame's own pixels and colours (H, W, 3): with its margin, levelled where it is."""
    levelled = _level_picture(image, found, crop.row, _widened(found.places[crop.row], step.margin).tolist(), step)
    x, y, w, h = crop.placement.view
    return (image if levelled is None else levelled[0])[y : y + h, x : x + w]


def _wanted(found: Recognitions, step: Step, without: Collection[int]) -> list[int]:
    """The rows that are looked at, in their order."""
    sound = _are_places(found.places) & (_widened(found.places.T, step.margin)[2:].min(axis=0) >= _LEAST)
    of_class = [not step.classes or found.label(row) in step.classes for row in range(len(found))]
    rows = [row for row in np.flatnonzero(sound).tolist() if of_class[row] and row not in without]
    if len(rows) > MOST_CROPS:
        rows = sorted(sorted(rows, key=lambda row: -float(found.scores[row]))[:MOST_CROPS])
    return rows


def _widened(box: NDArray[np.float32], margin: float) -> NDArray[np.float64]:
    """Boxes (4, …) x, y, w, h with their margin."""
    x, y, w, h = box.astype(np.float64)
    with np.errstate(invalid="ignore"):  # a box may be at no place
        return np.stack([x - margin * w, y - margin * h, w * (1 + 2 * margin), h * (1 + 2 * margin)])


def _inside(image: NDArray[np.uint8], x: float, y: float, w: float, h: float) -> Region:
    """The rectangle's part that lies in the frame, two pixels a side at least: smaller numbers would be fractions."""
    height, width = image.shape[:2]
    x0, y0 = min(max(x, 0.0), width - 2.0), min(max(y, 0.0), height - 2.0)
    return Region(x0, y0, max(min(x + w, width) - x0, 2.0), max(min(y + h, height) - y0, 2.0))


def _level_picture(
    image: NDArray[np.uint8], found: Recognitions, row: int, box: list[float], step: Step
) -> tuple[NDArray[np.uint8], NDArray[np.float64]] | None:
    """A row's levelled picture, and the way into it (2, 3); None where it is cut out as it is."""
    x, y, w, h = box
    levelled = _no_larger(_levelled(found, row, (x, y, w, h), step), max(image.shape[:2]))
    if levelled is None:
        return None
    turn, size = levelled
    return np.asarray(cv2.warpAffine(image, turn, size, flags=cv2.INTER_LINEAR), np.uint8), turn


def _levelled(
    found: Recognitions, row: int, box: tuple[float, float, float, float], step: Step
) -> tuple[NDArray[np.float64], tuple[int, int]] | None:
    """The way into a row's levelled picture (2, 3), and its width and height; None where it is cut out as it is."""
    if step.align == "corners":
        corners = _corners_of(found, row)
        return None if corners is None else _between(corners, step.margin)
    turn = None if step.align is None or found.keypoints is None else _level(found.keypoints[row], *box)
    return None if turn is None else (turn, (max(round(box[2]), 1), max(round(box[3]), 1)))


def _no_larger(
    levelled: tuple[NDArray[np.float64], tuple[int, int]] | None, most: int
) -> tuple[NDArray[np.float64], tuple[int, int]] | None:
    """A levelled picture of at most so many pixels a side: a box may say that it is as large as it likes."""
    if levelled is None or max(levelled[1]) <= most:
        return levelled
    turn, (width, height) = levelled
    share = most / max(width, height)
    return turn * share, (max(round(width * share), 1), max(round(height * share), 1))


def _corners_of(found: Recognitions, row: int) -> NDArray[np.float32] | None:
    """A row's four corners (4, 2), the top left one first: a turned box's, else its four keypoints; None without."""
    if CORNERS in found.extra and _are_places(found.extra[CORNERS][row]).all():
        corners = np.asarray(found.extra[CORNERS][row], np.float32)
        return np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0)
    points = None if found.keypoints is None else found.keypoints[row]
    if points is None or len(points) != 4 or not _are_there(points):
        return None
    return np.asarray(points[:, :2], np.float32)


def _between(corners: NDArray[np.float32], margin: float) -> tuple[NDArray[np.float64], tuple[int, int]] | None:
    """What lies between four corners, from the top left around, as a picture of its own; None of what has no area."""
    corners = corners + (corners - corners.mean(axis=0)) * 2 * margin
    width, height = (float(np.linalg.norm(corners[0] - corners[far])) for far in (1, 3))
    if min(width, height) < _LEAST:
        return None
    size = (max(round(width), 1), max(round(height), 1))
    ends = np.array([(0, 0), (size[0], 0), (0, size[1])], np.float32)
    return cv2.getAffineTransform(corners[[0, 1, 3]], ends), size


def _level(points: NDArray[np.float32], x: float, y: float, w: float, h: float) -> NDArray[np.float64] | None:
    """The turn about the box's centre that levels its first two keypoints (the eyes of a face); None without them."""
    if len(points) < 2 or not _are_there(points[:2]):
        return None
    (x0, y0), (x1, y1) = sorted(points[:2, :2].tolist())
    turn = cv2.getRotationMatrix2D((x + w / 2, y + h / 2), float(np.degrees(np.arctan2(y1 - y0, x1 - x0))), 1.0)
    turn[:, 2] -= (x, y)
    return np.asarray(turn, np.float64)


def _are_places(rows: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(N,) whether all numbers of a row (N, D) may be pixels."""
    return np.asarray((np.abs(rows) <= _FARTHEST).all(axis=-1))  # NaN is not


def _are_there(points: NDArray[np.float32]) -> bool:
    """Whether keypoints (K, 3) were all seen, somewhere."""
    return bool(_are_places(points[:, :2]).all() and points[:, 2].min() > 0)


def _moved(points: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points (..., 2) through an affine matrix (2, 3)."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)
