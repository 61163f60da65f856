"""A detector on any trunk that gives a pyramid of maps: a neck up and down, and one small head a stride.

Each stride answers with two maps of its own, so that in 8 bits each has its own scale: scores after their sigmoid, and
the distances of a box's four sides from the middle of its cell, in strides, as they are (no distribution, no
exponential). Heads share nothing between strides for the same reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgelens.runtime.errors import UsageError

from .blocks import conv_norm_act, he_weights

__all__ = ["COARSEST", "Detector", "Pyramid", "detector_outputs", "strides_from"]

COARSEST = 32
_RARE = 0.01  # the score that cells begin with: hardly one in a hundred holds a thing
_FIRST_SIDE = 2.0  # strides from a cell's middle to each side of its first box


class Pyramid(Protocol):
    """A trunk that a detector stands on."""

    channels: Mapping[int, int]  # maps at each stride

    def pyramid(self, x: Tensor) -> dict[int, Tensor]:
        """Maps by their stride."""


def strides_from(finest: int) -> tuple[int, ...]:
    """The strides that a detector answers at."""
    return tuple(stride for stride in (4, 8, 16, COARSEST) if stride >= finest)


def detector_outputs(strides: Sequence[int]) -> tuple[str, ...]:
    """A detector's outputs by name: each stride's scores (B, C, h, w), then each one's distances (B, 4, h, w)."""
    return (*(f"scores{stride}" for stride in strides), *(f"sides{stride}" for stride in strides))


class _Neck(nn.Module):
    """Coarse maps tell finer ones what there is, finer ones tell coarse maps where: added, not joined."""

    def __init__(self, channels: Mapping[int, int], strides: Sequence[int], width: int) -> None:
        super().__init__()
        self.strides = tuple(strides)
        self.lateral = nn.ModuleDict({str(s): conv_norm_act(channels[s], width, 1, act="relu6") for s in strides})
        self.finer = nn.ModuleDict({str(s): conv_norm_act(width, width, act="relu6") for s in strides[:-1]})
        self.down = nn.ModuleDict({str(s): conv_norm_act(width, width, 3, 2, act="relu6") for s in strides[:-1]})
        self.coarser = nn.ModuleDict({str(s): conv_norm_act(width, width, act="relu6") for s in strides[1:]})

    def forward(self, maps: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """(B, width, h, w) at each stride."""
        found = {s: self.lateral[str(s)](maps[s]) for s in self.strides}
        for stride in self.strides[-2::-1]:
            above = F.interpolate(found[2 * stride], scale_factor=2.0, mode="nearest")
            found[stride] = self.finer[str(stride)](found[stride] + above)
        for stride in self.strides[1:]:
            below = self.down[str(stride // 2)](found[stride // 2])
            found[stride] = self.coarser[str(stride)](found[stride] + below)
        return found


class _Head(nn.Module):
    """One 3×3 convolution for what it is, one for where it is; depth would cost more than it finds."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.what = conv_norm_act(width, width, act="relu6")
        self.where = conv_norm_act(width, width, act="relu6")
        self.scores = nn.Conv2d(width, classes, 1)
        self.sides = nn.Conv2d(width, 4, 1)

    def first_answers(self) -> None:
        """Begin with hardly anything there, and boxes of a few cells."""
        nn.init.normal_(self.scores.weight, std=0.01)
        nn.init.normal_(self.sides.weight, std=0.01)
        nn.init.constant_(self.scores.bias, -math.log((1 - _RARE) / _RARE))  # type: ignore[arg-type]
        nn.init.constant_(self.sides.bias, _FIRST_SIDE)  # type: ignore[arg-type]

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (B, classes, h, w) and distances in strides (B, 4, h, w), in float32 under autocast too."""
        scores = torch.sigmoid(self.scores(self.what(maps)).float())
        return scores, self.sides(self.where(maps)).float()


class Detector(nn.Module):
    """Trunk, neck and heads; the trunk's weights bear the names that they have in a classifier."""

    def __init__(self, trunk: nn.Module, *, strides: Sequence[int], width: int, classes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({"trunk": trunk})
        self.strides = tuple(strides)
        self.neck = _Neck(trunk.channels, strides, width)  # type: ignore[arg-type]
        self.head = nn.ModuleDict({str(stride): _Head(width, classes) for stride in strides})
        for part in (self.neck, self.head):
            he_weights(part)
        for head in self.head.values():
            head.first_answers()  # type: ignore[operator]

    def forward_features(self, x: Tensor) -> dict[int, Tensor]:
        """The neck's maps by their stride."""
        if x.shape[2] % COARSEST or x.shape[3] % COARSEST:
            raise UsageError(f"--size {x.shape[2]}x{x.shape[3]}: a detector's sides are multiples of {COARSEST}")
        maps = self.layers["trunk"].pyramid(x)  # type: ignore[operator]
        found: dict[int, Tensor] = self.neck(maps)
        return found

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """What `detector_outputs` names, in that order."""
        maps = self.forward_features(x)
        answers = [self.head[str(stride)](maps[stride]) for stride in self.strides]
        return (*(scores for scores, _ in answers), *(sides for _, sides in answers))
