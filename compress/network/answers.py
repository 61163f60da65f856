"""What a torch network answers to pictures."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .prepared import prepared_batches

__all__ = ["torch_logits"]


@torch.no_grad()
def torch_logits(network: nn.Module, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A network's answers for pictures (N, H, W, C)."""
    return np.concatenate([network(batch).float().numpy() for batch in prepared_batches(pictures, 128)])
