"""A detector's loss: scores that say how well the box fits, and boxes that fit."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ...data.targets import RaggedTargets
from ...task import Outputs
from .assign import assign
from .geometry import Cells, answers_of, overlap, penalised

__all__ = ["box_distillation", "detection_loss"]

_BOX = 2.5  # weight of a box's part
_NEGATIVE, _POWER = 0.75, 2.0  # how much cells with nothing in them weigh, and how much easy ones are spared
_SURE = 1e-6  # scores are kept so far from 0 and 1


def detection_loss(outputs: Outputs, targets: RaggedTargets, strides: Sequence[int]) -> Tensor:
    """(B,): varifocal loss of all scores and GIoU of the boxes of cells that learn one.

    Divided by what the batch's pairs weigh together, times its pictures, so that the mean over pictures is the usual
    loss a pair.
    """
    scores, boxes, cells = answers_of(outputs, strides)
    pairs = assign(scores.detach(), boxes.detach(), cells, targets)
    labels = targets.columns["labels"][pairs.boxes]
    wanted = torch.zeros_like(scores)
    wanted[pairs.pictures, labels, pairs.cells] = pairs.quality
    each = _varifocal(scores, wanted)
    if bool(targets.columns["crowd"].any()):
        each = each * ~(_in_crowds(cells, targets)[:, None] & (wanted == 0))
    what = each.sum((1, 2))
    apart = 1 - penalised(boxes[pairs.pictures, pairs.cells], targets.columns["boxes"][pairs.boxes])
    where = torch.zeros_like(what).index_add(0, pairs.pictures, apart * pairs.quality)
    return (what + _BOX * where) * (len(what) / pairs.quality.sum().clamp(min=1))


def box_distillation(outputs: Outputs, teacher: Outputs, strides: Sequence[int]) -> Tensor:
    """(B,): how far answers are from a teacher's: its scores cell by cell, its boxes where it is sure of one."""
    own_scores, own_boxes, _ = answers_of(outputs, strides)
    scores, boxes, _ = answers_of(teacher, strides)
    sure = scores.amax(1)
    weight = sure * (sure > 0.05)
    total = weight.sum().clamp(min=1)
    logits = torch.logit(own_scores, _SURE)
    cost = F.softplus(logits) - logits * scores + scores.clamp(_SURE, 1 - _SURE).log() * scores
    cost = cost + (1 - scores).clamp(_SURE, 1 - _SURE).log() * (1 - scores)  # what is left of cross-entropy: 0 at best
    what = ((own_scores.detach() - scores).abs().clamp(min=0.05) * cost).sum((1, 2))
    where = ((1 - overlap(own_boxes, boxes)) * weight).sum(1)
    return (what + _BOX * where) * (len(scores) / total)


def _varifocal(scores: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy with the wanted quality; what holds nothing counts by how much it says all the same."""
    logits = torch.logit(scores, _SURE)
    weight = torch.where(wanted > 0, wanted, _NEGATIVE * scores.detach() ** _POWER)
    return weight * (F.softplus(logits) - logits * wanted)


def _in_crowds(cells: Cells, targets: RaggedTargets) -> Tensor:
    """(B, A): whether a cell's middle lies in a region that counts neither way."""
    rows = targets.columns["crowd"].nonzero()[:, 0]
    boxes, pictures = targets.columns["boxes"][rows], targets.pictures[rows]
    near = cells.middles[None] >= boxes[:, None, :2]
    within = (near & (cells.middles[None] <= boxes[:, None, 2:])).all(-1)
    covered = torch.zeros(len(targets), len(cells.strides), device=boxes.device)
    return covered.index_add_(0, pictures, within.float()) > 0
