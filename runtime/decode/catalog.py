"""Decoders by name: (outputs by name, network, placement) → recognitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from ..errors import ModelError
from ..formats.description import ModelDescription
from ..manifest import Network
from ..preprocess import Placement
from ..recognitions import Recognitions
from .classify import classify, read_as_classifier
from .reading import Reading

__all__ = ["DECODERS", "READINGS", "Decoder", "decoder_for"]

Decoder = Callable[[Mapping[str, NDArray[Any]], Network, Placement], Recognitions]

DECODERS: dict[str, Decoder] = {"classify": classify}

# how a bare file is recognized as one of a family, tried in this order: None where it is not one
READINGS: dict[str, Callable[[ModelDescription, tuple[str, ...]], Reading | None]] = {"classify": read_as_classifier}


def decoder_for(network: Network) -> Decoder:
    """The decoder that a network's manifest names."""
    name = network.decode.decoder
    if name not in DECODERS:
        raise ModelError(f"no decoder is called {name!r}; there are {', '.join(DECODERS)}")
    return DECODERS[name]
