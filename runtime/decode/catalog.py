"""Decoders by name: (outputs by name, network, placement) → recognitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from ..errors import ModelError
from ..manifest import Network
from ..preprocess import Placement
from ..recognitions import Recognitions
from .classify import classify

__all__ = ["DECODERS", "Decoder", "decoder_for"]

Decoder = Callable[[Mapping[str, NDArray[Any]], Network, Placement], Recognitions]

DECODERS: dict[str, Decoder] = {"classify": classify}


def decoder_for(network: Network) -> Decoder:
    """The decoder that a network's manifest names."""
    name = network.decode.decoder
    if name not in DECODERS:
        raise ModelError(f"no decoder is called {name!r}; there are {', '.join(DECODERS)}")
    return DECODERS[name]
