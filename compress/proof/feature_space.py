"""An id of a network, that what a device is taught by it stays with it."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
from torch import nn

from edgelens.runtime.preprocess import PixelContract

from ..network.knowing import network_itself

__all__ = ["feature_space"]

_FIRST = ("height", "width", "color", "resize", "filter", "pad", "anchor")  # of a contract's fields


def feature_space(network: nn.Module, pixels: PixelContract) -> str:
    """An id of the float network and its pixel contract: compressing again keeps it, training again changes it.

    Giving its features too makes it no other network.
    """
    digest = hashlib.sha256(_spelled(pixels).encode())
    for name, value in sorted(network_itself(network).state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value.detach().cpu().float().numpy()).tobytes())
    return digest.hexdigest()[:32]


def _spelled(pixels: PixelContract) -> str:
    """A contract in the words of the first kit, whose ids still hold, and its later fields where they say something."""
    fields = [f for f in dataclasses.fields(pixels) if f.name in _FIRST or getattr(pixels, f.name) != f.default]
    return f"PixelContract({', '.join(f'{f.name}={getattr(pixels, f.name)!r}' for f in fields)})"
