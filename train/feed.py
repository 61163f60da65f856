"""Batches for the loop: uint8 pictures and labels in, what the network takes and its targets out."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Feed", "epoch_batches", "normalised"]


def normalised(pixels: Tensor) -> Tensor:
    """(B, H, W, C) uint8 as (B, C, H, W) float in [-1, 1), channels last in memory."""
    return ((pixels.float() - 128) / 128).permute(0, 3, 1, 2)


def epoch_batches(count: int, batch: int, seed: int, epoch: int) -> list[NDArray[np.intp]]:
    """Rows 0 … count - 1 in an order of this epoch's own, in batches that differ in size by at most one."""
    order = np.random.default_rng((seed, epoch)).permutation(count)
    return np.array_split(order, max(1, round(count / batch)))


class Feed:
    """A split's pictures as batches of tensors."""

    def __init__(self, pixels: NDArray[np.uint8], labels: NDArray[np.int32], classes: int) -> None:
        self.pixels = torch.from_numpy(np.ascontiguousarray(pixels))  # (N, H, W, C)
        self.labels = torch.from_numpy(labels.astype(np.int64))
        self.classes = classes

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
        """Inputs (B, C, H, W) in [-1, 1) and soft targets (B, classes)."""
        picked = torch.from_numpy(rows)
        return normalised(self.pixels[picked]), F.one_hot(self.labels[picked], self.classes).float()
