"""Decoders by name: (outputs by name, network, placement) → recognitions; each is imported when a model needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from ..errors import ModelError
from ..manifest import Network
from ..preprocess import Placement
from ..recognitions import Recognitions

__all__ = ["DECODERS", "Decoder", "decoder_for"]

Decoder = Callable[[Mapping[str, NDArray[Any]], Network, Placement], Recognitions]


def _classify() -> Decoder:
    from .classify import classify

    return classify


def _ssd() -> Decoder:
    from .ssd import ssd

    return ssd


def _ultraface() -> Decoder:
    from .ultraface import ultraface

    return ultraface


def _ultralytics() -> Decoder:
    from .ultralytics import ultralytics

    return ultralytics


def _yolox() -> Decoder:
    from .yolox import yolox

    return yolox


DECODERS: dict[str, Callable[[], Decoder]] = {
    "classify": _classify,
    "ssd": _ssd,
    "ultraface": _ultraface,
    "ultralytics": _ultralytics,
    "yolox": _yolox,
}


def decoder_for(network: Network) -> Decoder:
    """The decoder that a network's manifest names."""
    name = network.decode.decoder
    if name not in DECODERS:
        raise ModelError(f"no decoder is called {name!r}; there are {', '.join(DECODERS)}")
    return DECODERS[name]()
