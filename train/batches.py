"""Batches for the loop: uint8 pictures and targets in; what the network takes, and its targets, out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .augment import Recipe, normalised
from .data.balance import balanced_order, in_company, repeated_order
from .data.pictures import StoredPictures
from .optimize.precision import laid_out
from .task import Draw, Targets, Task

__all__ = ["Batches", "epoch_batches"]


def epoch_batches(
    count: int,
    batch: int,
    seed: int,
    epoch: int,
    balanced: NDArray[np.int64] | None = None,
    *,
    together: int = 1,
    repeats: NDArray[np.float64] | None = None,
) -> list[NDArray[np.intp]]:
    """An order of this epoch's own, in batches that differ in size by at most one.

    Given labels to balance, every class comes equally often: what is drawn again counts on past `count`, so that
    draw % count is its row and the draw itself a key of its own. Of each class `together` come one after the other.
    Given `repeats`, each row comes as often beside the others as its own says.
    """
    if balanced is not None:
        order = in_company(balanced_order(balanced, seed, epoch), balanced, together, seed, epoch)
        order = order + count * _occurrence(order)
    elif repeats is not None:
        order = repeated_order(repeats, seed, epoch)
        order = order + count * _occurrence(order)
    else:
        order = np.random.default_rng((seed, epoch)).permutation(count)
    return np.array_split(order, max(1, round(count / batch)))


@dataclass(frozen=True)
class Batches:
    """A split's pictures, as uint8 on the device that trains or (when large) on disk; its targets are on the device."""

    pixels: StoredPictures | Tensor  # (N, H, W, C)
    targets: Targets
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    mode: str = "float32"
    learnt_at: float = 1.0  # the share of their side at which pictures are learnt; they validate at all of it

    def __len__(self) -> int:
        return len(self.targets)

    def plain(self, rows: NDArray[np.intp]) -> Tensor:
        """Inputs (B, C, H, W) in [-1, 1) as they are."""
        return self._laid_out(normalised(self._picked(rows)))

    def augmented(
        self, draws: NDArray[np.intp], task: Task, recipe: Recipe, seed: int, epoch: int
    ) -> tuple[Tensor, Any]:
        """Inputs (B, C, H, W) in [-1, 1) and targets, changed as the recipe says, by `draws` of `epoch_batches`."""
        draw, rows = Draw(seed, epoch, torch.from_numpy(draws)), draws % len(self)
        inputs, targets = task.augment(recipe, self._picked(rows), self.targets.pick(rows), draw)
        if self.learnt_at != 1:
            size = [max(1, round(side * self.learnt_at)) for side in inputs.shape[2:]]
            inputs = F.interpolate(inputs, size, mode="bilinear", align_corners=False, antialias=True)
        return self._laid_out(inputs), targets

    def pictures(self, rows: NDArray[np.intp]) -> Tensor:
        """The stored pictures (B, H, W, C) uint8 of some rows, on the device that holds them."""
        if isinstance(self.pixels, Tensor):
            at = torch.from_numpy(rows).to(self.pixels.device)
            return self.pixels.index_select(0, at)  # pixels[at] takes seven times as long
        order = np.argsort(rows)  # a mapped file is read in order
        return torch.from_numpy(self.pixels.take(rows[order])[np.argsort(order)])

    def _picked(self, rows: NDArray[np.intp]) -> Tensor:
        return self.pictures(rows).to(self.device).permute(0, 3, 1, 2)

    def _laid_out(self, inputs: Tensor) -> Tensor:
        out: Tensor = laid_out(inputs, self.mode)
        return out


def _occurrence(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """For every place in an order how often its row came before."""
    places = np.argsort(order, kind="stable")
    _, first, inverse = np.unique(order[places], return_index=True, return_inverse=True)
    out = np.empty_like(order)
    out[places] = np.arange(len(order)) - first[inverse]
    return out
