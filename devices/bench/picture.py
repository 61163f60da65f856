"""Which picture a bare model file is timed on: its own size, or the one that was asked for where it takes any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgelens.runtime.bundle.manifest import ModelFile, Network
from edgelens.runtime.decode.picture import picture_is_nchw
from edgelens.runtime.errors import ModelError, UsageError
from edgelens.runtime.formats.description import ModelDescription
from edgelens.runtime.formats.tensor import shape_of as shape_words
from edgelens.runtime.model.arguments import ModelArguments
from edgelens.runtime.model.open import open_model

__all__ = ["Picture", "picture_of", "shape_of"]


@dataclass(frozen=True)
class Picture:
    """What goes into a bare file when it is timed."""

    shape: tuple[int, ...]  # of its input; empty where the file itself fixes every axis
    size: tuple[int, int] | None  # width and height, where the file leaves them free
    precision: str
    decoded: bool  # whether a decoder reads what comes out


def picture_of(path: Path, file: ModelDescription, options: Mapping[str, Any]) -> Picture:
    """The picture of a file; one that no decoder fits still has an inference to time, a free size has to be said."""
    said = ModelArguments(**options)
    try:
        network = open_model(str(path), said).manifest.main
    except ModelError:
        if said.decoder is not None:  # somebody said how to read it, and that is wrong
            raise
        shape = _undecoded(path, file, said)
        return Picture(shape, _free_size(file, shape), "as is", decoded=False)
    shape = shape_of(network, network.files[0])
    return Picture(shape, _free_size(file, shape), network.files[0].precision, decoded=True)


def shape_of(network: Network, file: ModelFile) -> tuple[int, ...]:
    """The shape of one picture as a model file of a network takes it."""
    pixels = network.pixels
    if file.tensor.layout == "NCHW":
        return (1, pixels.channels, pixels.height, pixels.width)
    return (1, pixels.height, pixels.width, pixels.channels)


def _undecoded(path: Path, file: ModelDescription, said: ModelArguments) -> tuple[int, ...]:
    """The shape of the first input that leaves an axis free besides the batch, filled with what was said."""
    free = [info for info in file.inputs if None in info.shape[1:]]
    if not free:
        if said.input_size is not None and len(file.inputs) == 1 and said.input_size not in _sizes(file):
            raise UsageError(f"--input-size: {path} takes {shape_words(file.inputs[0])} and no other size")
        return ()
    info = free[0]
    if len(free) > 1 or len(info.shape) != 4:
        names = ", ".join(f"{each.name} {shape_words(each)}" for each in free)
        raise ModelError(f"{path}: leaves axes free that no option fills: {names}")
    if said.input_size is None:
        raise UsageError(f"{path}: takes pictures of any size: say which with --input-size WxH")
    width, height = said.input_size
    if picture_is_nchw(info, file.format):
        return (info.shape[0] or 1, info.shape[1] or 3, info.shape[2] or height, info.shape[3] or width)
    return (info.shape[0] or 1, info.shape[1] or height, info.shape[2] or width, info.shape[3] or 3)


def _sizes(file: ModelDescription) -> tuple[tuple[int | None, ...], ...]:
    """Width and height as the one input's axes would have it, in either layout."""
    shape = file.inputs[0].shape
    return ((shape[3], shape[2]), (shape[2], shape[1])) if len(shape) == 4 else ()


def _free_size(file: ModelDescription, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Width and height where the file leaves one of them open."""
    for info in file.inputs:
        if len(shape) == 4 and len(info.shape) == 4 and None in info.shape[1:]:
            return (shape[3], shape[2]) if picture_is_nchw(info, file.format) else (shape[2], shape[1])
    return None
