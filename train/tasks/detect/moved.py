"""Pictures and their boxes changed together: what moves one moves the other, by the same matrix."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...augment import Recipe, normalised
from ...augment.apply import moves, recoloured
from ...augment.mixing import mixed, partners
from ...augment.mixup import share
from ...augment.mosaic import canvas, members, tile_offsets, windows
from ...augment.random.draws import Draws
from ...augment.through import seen_through
from ...data.targets import RaggedTargets
from ...task import Draw
from .flaws import MOST_BOXES

__all__ = ["augmented", "joined", "moved_boxes"]

_VISIBLE = 0.3  # of a box's area that must still be seen
_LEAST = 2.0  # pixels a side
_SHINES = 0.2  # of a picture that must shine through for its boxes to count


def augmented(recipe: Recipe, pixels: Tensor, targets: RaggedTargets, draw: Draw) -> tuple[Tensor, RaggedTargets]:
    """Pixels (B, C, H, W) uint8 as the recipe changes them, in [-1, 1), and where their boxes are then."""
    draws = Draws.of(draw.seed, draw.epoch, draw.samples.to(pixels.device))
    size = (pixels.shape[2], pixels.shape[3])
    laid = draws.chosen("mosaic on", recipe.mosaic.probability if recipe.mosaic else 0.0)
    pictures, boxes = pixels.permute(0, 2, 3, 1), targets
    shown = pictures.clone(memory_format=torch.contiguous_format)
    matrices = moves(recipe, draws, *size)
    alone, together = (~laid).nonzero()[:, 0], laid.nonzero()[:, 0]
    if matrices is not None:
        boxes = moved_boxes(targets, matrices, size)
        own = pictures.index_select(0, alone)
        _put(shown, alone, seen_through(own, matrices[alone], perspective=recipe.perspective is not None))
    if recipe.mosaic and len(together):
        tiles = members(together, len(pixels))
        seen = windows(recipe.mosaic, draws.rows(together), *size)
        _put(shown, together, seen_through(canvas(pictures, tiles), seen, size=size))
        whole = (2 * size[0], 2 * size[1])
        boxes = _replaced(boxes, together, moved_boxes(_tiled(targets, tiles, *size), seen, size, of=whole))
    inputs = recoloured(recipe, normalised(shown.permute(0, 3, 1, 2)), draws).clamp_(-1, 127 / 128)
    if recipe.mixup:
        kept = share(recipe.mixup, draws)
        inputs = mixed(inputs, kept)
        boxes = _both(boxes, kept[:, 0, 0, 0])
    return inputs.contiguous(memory_format=torch.channels_last), _fewest(boxes)


def _put(pictures: Tensor, rows: Tensor, others: Tensor) -> None:
    """Other pictures in these rows' places, one by one: index_copy_ takes twenty times as long for bytes."""
    for row, other in zip(rows.tolist(), others, strict=True):
        pictures[row] = other


def moved_boxes(
    targets: RaggedTargets, matrices: Tensor, size: tuple[int, int], *, of: tuple[int, int] | None = None
) -> RaggedTargets:
    """Boxes of pictures that are seen through matrices (B, 3, 3), which lead from an output of this size to them.

    `of` is the pictures' own size, where it is another. A turned box is the upright one around it; what is hardly seen
    any more is left out.
    """
    (height, width), (high, wide) = size, of or size
    unit, own = min(size), min(high, wide)
    back = torch.linalg.inv(matrices.double()).float()[targets.pictures]  # (R, 3, 3)
    x0, y0, x1, y1 = targets.columns["boxes"].unbind(1)
    xs = (torch.stack([x0, x1, x0, x1], 1) * 2 - wide) / own
    ys = (torch.stack([y0, y0, y1, y1], 1) * 2 - high) / own
    at = back @ torch.stack([xs, ys, torch.ones_like(xs)], 1)  # (R, 3, 4): the four corners
    x = (at[:, 0] / at[:, 2] * unit + width) / 2
    y = (at[:, 1] / at[:, 2] * unit + height) / 2
    whole = torch.stack([x.amin(1), y.amin(1), x.amax(1), y.amax(1)], 1)
    inside = torch.minimum(whole.clamp(min=0), whole.new_tensor([width, height, width, height]))
    sides = inside[:, 2:] - inside[:, :2]
    seen = sides.clamp(min=0).prod(1) > _VISIBLE * (whole[:, 2:] - whole[:, :2]).prod(1)
    return _kept(targets, seen & (sides >= _LEAST).all(1), inside)


def joined(parts: list[RaggedTargets]) -> RaggedTargets:
    """The targets of several batches as those of one."""
    columns = {name: torch.cat([part.columns[name] for part in parts]) for name in parts[0].columns}
    counts = torch.cat([part.counts for part in parts])
    return RaggedTargets(columns, torch.cat([counts.new_zeros(1), counts.cumsum(0)]))


def _kept(targets: RaggedTargets, rows: Tensor, boxes: Tensor | None = None) -> RaggedTargets:
    """Some of the rows (R,) of each picture, with other boxes where they are given."""
    columns = {**targets.columns, **({} if boxes is None else {"boxes": boxes})}
    counts = torch.zeros_like(targets.counts).index_add_(0, targets.pictures, rows.to(torch.int64))
    starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    return RaggedTargets({name: column[rows] for name, column in columns.items()}, starts)


def _tiled(targets: RaggedTargets, tiles: Tensor, height: int, width: int) -> RaggedTargets:
    """The boxes of a mosaic's four tiles, on its canvas."""
    picked = targets.pick(tiles.flatten().cpu().numpy().astype(np.intp))
    offsets = tile_offsets(height, width, tiles.device)[picked.pictures % 4]
    return RaggedTargets({**picked.columns, "boxes": picked.columns["boxes"] + offsets}, picked.starts[::4])


def _replaced(targets: RaggedTargets, rows: Tensor, others: RaggedTargets) -> RaggedTargets:
    """The targets with those of some pictures exchanged."""
    order = torch.arange(len(targets))
    order[rows.cpu()] = len(targets) + torch.arange(len(rows))
    return joined([targets, others]).pick(order.numpy().astype(np.intp))


def _both(targets: RaggedTargets, kept: Tensor) -> RaggedTargets:
    """Boxes of pictures that shine through each other: a partner's too where enough of it is seen."""
    count = len(targets)
    pairs = torch.stack([torch.arange(count, device=kept.device), partners(count, kept.device)], 1)
    both = targets.pick(pairs.flatten().cpu().numpy().astype(np.intp))
    shines = torch.stack([kept > _SHINES, kept < 1 - _SHINES], 1).flatten()
    picked = _kept(both, shines[both.pictures])
    return RaggedTargets(picked.columns, picked.starts[::2])


def _fewest(targets: RaggedTargets) -> RaggedTargets:
    """At most `MOST_BOXES` a picture: of more, some spread over them all."""
    if not len(targets) or int(targets.counts.max()) <= MOST_BOXES:
        return targets
    within = torch.arange(int(targets.starts[-1]), device=targets.starts.device) - targets.starts[:-1][targets.pictures]
    step = (targets.counts[targets.pictures] + MOST_BOXES - 1) // MOST_BOXES
    return _kept(targets, within % step == 0)
