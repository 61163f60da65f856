"""Decoders by name: (outputs by name, network, placement) → recognitions; each is imported when a model needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..errors import ModelError
from ..preprocess import Placement
from ..recognitions import Recognitions

__all__ = ["DECODERS", "Decoder", "decoder_for"]

Decoder = Callable[[Mapping[str, NDArray[Any]], Network, Placement], Recognitions]
Decode = Callable[[Mapping[str, NDArray[Any]], Placement, float | None], Recognitions]


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


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


DECODERS: dict[str, Callable[[], Decoder]] = {
    "classify": _classify,
    "ssd": _ssd,
    "ultraface": _ultraface,
    "ultralytics": _ultralytics,
    "yolox": _yolox,
}


# what decoders believe of `Decode.options`, which come from a manifest as they are; other keys are a newer kit's
_OPTIONS: dict[str, Callable[[Any], bool]] = {
    "classes": lambda value: isinstance(value, (list, tuple)) and all(map(_is_count, value)),
    "layout": lambda value: isinstance(value, str),
    "class_count": _is_count,
    "keypoints": lambda value: isinstance(value, (list, tuple)) and len(value) == 2 and all(map(_is_count, value)),
    "first_class": _is_count,
    "normalized": lambda value: isinstance(value, str),
    "probabilities": lambda value: isinstance(value, str),
    "decoded": lambda value: isinstance(value, bool),
}


# the outputs that a decoder asks for by name
_OUTPUTS: dict[str, frozenset[str]] = {
    "ssd": frozenset(["boxes", "classes", "scores"]),
    "ultraface": frozenset(["boxes", "scores"]),
    "ultralytics": frozenset(["predictions"]),
    "yolox": frozenset(["grid"]),
}


def decoder_for(network: Network) -> Decode:
    """The decoder that a network's manifest names, its options checked; the threshold None is the model's own."""
    name = network.decode.decoder
    for key, value in network.decode.options.items():
        if key in _OPTIONS and not _OPTIONS[key](value):
            raise ModelError(f"decode option {key!r} has a value that decoders cannot use: {str(value)[:40]}")
    if name not in DECODERS:
        raise ModelError(f"no decoder is called {name!r}; there are {', '.join(DECODERS)}")
    if missing := _OUTPUTS.get(name, frozenset()) - {output.name for output in network.outputs}:
        raise ModelError(f"the decoder {name} needs an output called {min(missing)!r}, which the network does not have")
    decoder = DECODERS[name]()

    def decode(outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None) -> Recognitions:
        held = network.decode.held_to(threshold)
        return decoder(outputs, replace(network, decode=replace(network.decode, threshold=held)), placement)

    return decode
