"""Small things in large frames: a frame is looked at whole and in tiles; what several looks found is one thing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..decode.boxes import BoxOptions, corners_of_xywh
from ..decode.catalog import options_of
from ..errors import ModelError
from ..images.masks import stretched, together
from ..preprocess import PixelContract, Region, fit_frame, view_of
from ..recognitions import CORNERS, Recognitions
from .common_ground import Places, Turned, Upright
from .joined import joined
from .network import LoadedNetwork
from .seen import Clock, Seen

__all__ = ["Look", "looked_at_in_tiles", "merged", "seams", "tiles_of"]

_OVERLAP = 0.2  # of a tile's side, shared with its neighbour
_EDGE = 2.0  # input pixels from a seam within which a box is taken to be cut off there
_COVERED = 0.5  # of a cut box, from which on a whole one is the same thing
_INSIDE, _AS_LARGE = 0.8, 0.4  # of the smaller box, and of the larger one's area: two looks at the same thing
_MOST_POINTS = 320  # of a mask a side
_BESIDE = 0.5  # of their common side, from which on two cut boxes are parts of one thing


@dataclass(frozen=True)
class Look:
    """One look at a part of the frame: what it found, and the edges at which the frame goes on behind the part."""

    seen: Recognitions
    edges: NDArray[np.float32]  # x1, y1, x2, y2 of the part, infinite where it ends with the whole
    near: tuple[float, float]  # pixels of the frame to _EDGE, along x and y


def tiles_of(view: tuple[int, int, int, int], count: int, pixels: PixelContract) -> list[tuple[int, int, int, int]]:
    """The tiles x, y, w, h of a view, `count` along its longer side, as near the network's proportions as can be."""
    x, y, w, h = view
    share = count - (count - 1) * _OVERLAP
    if w >= h:
        across, side = count, w / share
        down = _how_many(h, side * pixels.height / pixels.width)
    else:
        down, side = count, h / share
        across = _how_many(w, side * pixels.width / pixels.height)
    return [(x + left, y + top, wide, high) for top, high in _spans(h, down) for left, wide in _spans(w, across)]


def _how_many(length: int, side: float) -> int:
    return max(round((length / side - _OVERLAP) / (1 - _OVERLAP)), 1)


def _spans(length: int, count: int) -> list[tuple[int, int]]:
    """First pixel and length of so many parts that overlap and together are the whole."""
    side = min(round(length / (count - (count - 1) * _OVERLAP)) + (count > 1), length)
    last = length - side
    return [(round(i * last / max(count - 1, 1)), side) for i in range(count)]


def looked_at_in_tiles(
    network: LoadedNetwork,
    image: NDArray[np.uint8],
    region: Region | None,
    threshold: float | None,
    clock: Clock,
) -> Seen:
    """What a frame shows, looked at as a whole and in the network's tiles; `outputs` are the whole look's."""
    pixels = network.network.pixels
    if pixels.resize == "crop":  # what a tile's crop left out, no other tile would show
        pixels = dataclasses.replace(pixels, resize="letterbox")
    whole = view_of(image.shape[0], image.shape[1], pixels, region)
    looks: list[Look] = []
    first: dict[str, NDArray[Any]] = {}
    for part in [whole, *tiles_of(whole, network.tile, pixels)]:
        picture, placement = fit_frame(image, pixels, Region(*map(float, part)) if max(part) > 1 else None)
        clock.lap("preprocess")
        outputs = network.outputs(picture)
        clock.lap("infer")
        seen = network.decode(outputs, placement, threshold)
        near = _EDGE / placement.scale_x, _EDGE / placement.scale_y
        looks.append(Look(seen, seams(part, whole), near))
        clock.lap("decode")
        first = first or _kept(outputs)
    found = merged(looks, network.network)
    clock.lap("merge")
    return Seen(found, clock.stages, whole, first)


def _kept(outputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """An engine may reuse its arrays for the next tile."""
    return {name: np.array(values) for name, values in outputs.items()}


def seams(part: tuple[int, int, int, int], whole: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """The edges of a part behind which the view goes on."""
    (x, y, w, h), (left, top, wide, high) = part, whole
    return np.array(
        [
            x if x > left else -np.inf,
            y if y > top else -np.inf,
            x + w if x + w < left + wide else np.inf,
            y + h if y + h < top + high else np.inf,
        ],
        np.float32,
    )


def merged(looks: list[Look], network: Network) -> Recognitions:
    """All looks' rows, each thing once: whole boxes before those that a seam cuts, cut ones put together."""
    labels, task = network.labels, network.task
    found = joined([look.seen for look in looks], labels, task)
    if not len(found):
        return Recognitions.nothing(labels, task)
    options = options_of(network.decode.decoder).of(network.decode)
    if np.isnan(found.places).any() or not isinstance(options, BoxOptions):
        raise ModelError("--tile: this network finds no boxes that tiles could be put together by")
    boxes = corners_of_xywh(found.places)
    cut = np.concatenate([_is_cut(look) for look in looks])
    look_of = np.repeat(np.arange(len(looks)), [len(look.seen) for look in looks])
    places = Turned(found.extra[CORNERS]) if CORNERS in found.extra else Upright(boxes)
    kept = _once(places, found, look_of, cut, options.iou)
    found, kept = _together(boxes, found, cut, kept)
    best = kept[np.argsort(-found.scores[kept], kind="stable")]
    return found.select(best[: options.max_det])


def _is_cut(look: Look) -> NDArray[np.bool_]:
    """Whether each row's box ends at a seam, or a little past it."""
    corners, near = corners_of_xywh(look.seen.places), np.array(look.near, np.float32)
    before, past = corners[:, :2] <= look.edges[:2] + near, corners[:, 2:] >= look.edges[2:] - near
    return np.asarray((before | past).any(axis=1))


def _once(
    places: Places, found: Recognitions, look_of: NDArray[np.intp], cut: NDArray[np.bool_], iou: float
) -> NDArray[np.intp]:
    """The rows that are no second look at another's thing; what one look tells apart, its own rules told apart."""
    kept = np.empty(0, np.intp)
    for row in np.lexsort((-found.scores, cut)).tolist():
        others = kept[(found.ids[kept] == found.ids[row]) & (look_of[kept] != look_of[row])]
        if not _is_known(row, others, places, cut, iou):
            kept = np.append(kept, row)
    return kept


def _is_known(row: int, others: NDArray[np.intp], places: Places, cut: NDArray[np.bool_], iou: float) -> bool:
    """Whether one of the others is the same thing, better seen."""
    if not len(others):
        return False
    area, areas, shared = places.areas[row], places.areas[others], places.shared(row, others)
    smaller, larger = np.minimum(area, areas), np.maximum(area, areas)
    same = (places.alike(row, others) > iou) | ((shared > _INSIDE * smaller) & (smaller > _AS_LARGE * larger))
    if cut[row]:  # two cut ones are put together later, unless one says nothing new
        same = np.where(cut[others], shared > _INSIDE * area, same | (shared > _COVERED * area))
    return bool(same.any())


def _together(
    boxes: NDArray[Any], found: Recognitions, cut: NDArray[np.bool_], kept: NDArray[np.intp]
) -> tuple[Recognitions, NDArray[np.intp]]:
    """Cut boxes that are parts of one thing as one, around all of them, with their masks; turned ones stay apart."""
    rows = kept[cut[kept]]
    if len(rows) < 2 or CORNERS in found.extra:
        return found, kept
    group = _groups(boxes[rows], found.ids[rows])
    corners, gone = boxes.copy(), set()
    masks = _finer(found.masks)
    for number in np.unique(group):
        members = rows[group == number]
        best, *rest = members[np.argsort(-found.scores[members], kind="stable")].tolist()
        corners[best] = [*boxes[members, :2].min(axis=0), *boxes[members, 2:].max(axis=0)]
        gone |= set(rest)
        if masks is not None and rest:
            masks[best] = together(masks[members], boxes[members], corners[best], *masks.shape[1:])
    corners[:, 2:] -= corners[:, :2]
    left = np.array([row for row in kept.tolist() if row not in gone], np.intp)
    return dataclasses.replace(found, boxes=corners.astype(np.float32), masks=masks), left


def _finer(masks: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
    """Masks with points enough for a thing of two tiles' size."""
    if masks is None:
        return None
    height, width = (min(2 * side, _MOST_POINTS) for side in masks.shape[1:])
    return stretched(masks, height, width).copy()


def _groups(boxes: NDArray[Any], ids: NDArray[np.int32]) -> NDArray[np.intp]:
    """The same number for all parts of one thing: of one class, touching, and side by side."""
    near, far = np.maximum(boxes[:, None, :2], boxes[None, :, :2]), np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.maximum(far - near, 0)
    sides = boxes[:, 2:] - boxes[:, :2]
    common = shared / np.maximum(sides[:, None] + sides[None] - shared, 1e-6)  # along x and y
    one = (shared > 0).all(axis=2) & (common > _BESIDE).any(axis=2) & (ids[:, None] == ids[None])
    group = np.arange(len(boxes))
    for _ in range(len(boxes)):
        lowest = np.where(one, group[None], len(boxes)).min(axis=1)
        if (lowest == group).all():
            break
        group = lowest
    return group
