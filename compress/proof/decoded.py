"""Outputs of a network for many pictures, read as a camera reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Network
from edgelens.runtime.preprocess import Placement
from edgelens.runtime.tasks.catalog import decoder_of
from edgelens.runtime.tasks.task import Answer

__all__ = ["decoded"]


def decoded(network: Network, outputs: Mapping[str, NDArray[Any]]) -> list[Answer]:
    """What each picture's outputs, (N, ...) by name, say of the whole picture, with the network's own thresholds."""
    height, width = network.pixels.height, network.pixels.width
    whole = Placement(1, 1, 0, 0, 0, 0, width, height, (0, 0, width, height))
    decode = decoder_of(network)
    count = len(next(iter(outputs.values())))
    rows = [{name: values[i : i + 1] for name, values in outputs.items()} for i in range(count)]
    return [Answer(row, decode(row, whole, None)) for row in rows]
