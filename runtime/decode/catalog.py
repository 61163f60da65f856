"""Decoders by name: (outputs by name, network, placement) → recognitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from numpy.typing import NDArray

from ..errors import ModelError
from ..formats.description import ModelDescription
from ..manifest import Network
from ..preprocess import Placement
from ..recognitions import Recognitions
from .classify import classify, read_as_classifier
from .reading import Reading
from .ssd import read_as_ssd, ssd
from .ultraface import read_as_ultraface, ultraface
from .ultralytics import ultralytics
from .ultralytics_reading import read_as_ultralytics
from .yolox import read_as_yolox, yolox

__all__ = ["DECODERS", "LAYOUTS", "READINGS", "Decoder", "Reader", "decoder_for"]

Decoder = Callable[[Mapping[str, NDArray[Any]], Network, Placement], Recognitions]


class Reader(Protocol):
    """Recognizes a bare file as one of a family: None where it is not one; `asked` when the user named the family."""

    def __call__(self, file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
        """The family's contract for the file."""


DECODERS: dict[str, Decoder] = {
    "classify": classify,
    "ssd": ssd,
    "ultraface": ultraface,
    "ultralytics": ultralytics,
    "yolox": yolox,
}

# what `--decode` takes, in the order in which a file that says nothing is tried
READINGS: dict[str, Reader] = {
    "ultralytics": read_as_ultralytics,
    "ssd": read_as_ssd,
    "ultraface": read_as_ultraface,
    "yolox": read_as_yolox,
    "classify": read_as_classifier,
}

# more specific words for `--decode`, never guessed
LAYOUTS: dict[str, Reader] = {
    "yolov5": partial(read_as_ultralytics, layout="v5"),
    "yolov8": partial(read_as_ultralytics, layout="v8"),
}


def decoder_for(network: Network) -> Decoder:
    """The decoder that a network's manifest names."""
    name = network.decode.decoder
    if name not in DECODERS:
        raise ModelError(f"no decoder is called {name!r}; there are {', '.join(DECODERS)}")
    return DECODERS[name]
