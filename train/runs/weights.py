"""Weights on disk as safetensors."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
from torch import nn

from edgelens.runtime.host.files import write_bytes

__all__ = ["save_weights"]


def save_weights(network: nn.Module, path: Path) -> None:
    """Write a network's weights and normalisation statistics."""
    tensors = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    write_bytes(path, safetensors.torch.save(tensors))
