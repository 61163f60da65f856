"""Pictures as the float batches that a torch network takes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["prepared_batches"]


def prepared_batches(images: NDArray[np.uint8], batch: int = 64) -> Iterator[torch.Tensor]:
    """Pictures (N, H, W, C) as normalised batches (B, C, H, W)."""
    for start in range(0, len(images), batch):
        part = torch.from_numpy(np.ascontiguousarray(images[start : start + batch].transpose(0, 3, 1, 2)))
        yield part.float().sub_(128).div_(128)
