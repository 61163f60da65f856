"""Pictures as the float batches that a torch network takes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["at_once", "prepared_batches"]


_PIXELS = 2**19  # at once, where no batch is asked for: maps that stay near the caches are twice as fast
_BATCH = 64


def at_once(images: NDArray[np.uint8], most: int, pixels: int) -> int:
    """How many pictures (N, H, W, C) go through a network together: so many, of large ones fewer, one at least."""
    return max(1, min(most, pixels // int(images.shape[1] * images.shape[2])))


def prepared_batches(images: NDArray[np.uint8], batch: int | None = None) -> Iterator[torch.Tensor]:
    """Pictures (N, H, W, C) as normalised batches (B, C, H, W), channels last in memory."""
    batch = batch or at_once(images, _BATCH, _PIXELS)
    for start in range(0, len(images), batch):
        part = torch.from_numpy(np.ascontiguousarray(images[start : start + batch]))
        yield part.permute(0, 3, 1, 2).float().sub_(128).div_(128)
