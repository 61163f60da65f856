"""Which cells learn which box: those that already answer it best, by score and overlap together (TOOD, 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...data.targets import RaggedTargets
from .geometry import Cells, overlap

__all__ = ["Assigned", "assign"]

_CELLS = 10  # of a box, at most
_SCORE_POWER, _OVERLAP_POWER = 0.5, 6.0
_HALF = 0.5  # strides around a box's middle in which a cell can always learn it, however small it is


@dataclass(frozen=True)
class Assigned:
    """Pairs of a cell and the box that it learns: P of them."""

    pictures: Tensor  # (P,)
    cells: Tensor  # (P,)
    boxes: Tensor  # (P,) rows of the targets
    quality: Tensor  # (P,) the score that the cell is to give, 0 to 1


@torch.no_grad()
def assign(scores: Tensor, found: Tensor, cells: Cells, targets: RaggedTargets) -> Assigned:
    """The pairs for scores (B, C, A) and boxes (B, A, 4); crowds are learnt by no cell."""
    wanted = (~targets.columns["crowd"]).nonzero()[:, 0]
    boxes, labels = targets.columns["boxes"][wanted], targets.columns["labels"][wanted]
    pictures = targets.pictures[wanted]
    row, cell = _near(boxes, cells).nonzero(as_tuple=True)  # into `wanted`, into the cells
    shared = overlap(found[pictures[row], cell], boxes[row])
    fit = scores[pictures[row], labels[row], cell].pow(_SCORE_POWER) * shared.pow(_OVERLAP_POWER) + 1e-12
    best = _best_of_each(row, fit, len(wanted))
    row, cell, shared, fit = row[best], cell[best], shared[best], fit[best]
    own = _one_box_a_cell(pictures[row] * scores.shape[2] + cell, shared)
    row, cell, shared, fit = row[own], cell[own], shared[own], fit[own]
    most_fit, most_shared = (_largest(row, values, len(wanted)) for values in (fit, shared))
    quality = fit / most_fit[row] * most_shared[row]
    return Assigned(pictures[row], cell, wanted[row], quality)


def _near(boxes: Tensor, cells: Cells) -> Tensor:
    """(R, A): whether a cell's middle lies in a box, or next to the middle of a box smaller than a cell."""
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    near = torch.ones(len(boxes), len(cells.strides), dtype=torch.bool, device=boxes.device)
    for axis in (0, 1):
        reach = torch.maximum(half[:, axis, None], _HALF * cells.strides)
        near &= (cells.middles[:, axis] - middle[:, axis, None]).abs() <= reach
    return near


def _best_of_each(row: Tensor, fit: Tensor, count: int) -> Tensor:
    """The pairs that are among their box's best."""
    order = torch.argsort(fit, descending=True, stable=True)
    order = order[torch.argsort(row[order], stable=True)]  # box after box, the best first
    counts = torch.bincount(row, minlength=count)
    first = counts.cumsum(0) - counts
    rank = torch.arange(len(order), device=row.device) - first[row[order]]
    return order[rank < _CELLS]


def _one_box_a_cell(key: Tensor, shared: Tensor) -> Tensor:
    """Of pairs with the same cell (equal keys) the one that overlaps most."""
    order = torch.argsort(shared, descending=True, stable=True)
    order = order[torch.argsort(key[order], stable=True)]
    first = torch.ones(len(order), dtype=torch.bool, device=key.device)
    first[1:] = key[order][1:] != key[order][:-1]
    return order[first]


def _largest(row: Tensor, values: Tensor, count: int) -> Tensor:
    return torch.zeros(count, device=values.device).scatter_reduce(0, row, values, "amax")
