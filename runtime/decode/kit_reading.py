"""A model file that this kit wrote: its metadata holds the very contract it was trained with."""

from __future__ import annotations

import json
from dataclasses import replace

from ..bundle.manifest_json import parse_contract
from ..errors import BundleError
from ..formats.description import ModelDescription
from .classify_reading import read_as_classifier
from .known import FEATURES
from .reading import Reading

__all__ = ["as_the_kit_wrote_it", "read_as_kit_file"]


def read_as_kit_file(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A classifier with `input` among its metadata, as `compress` writes it; its features are no answer."""
    answers = tuple(output for output in file.outputs if output.name != FEATURES)
    row = read_as_classifier(replace(file, outputs=answers), labels, asked=asked)
    if row is not None and answers[0] is not file.outputs[0]:
        row = replace(row, picked=(answers[0].name,))
    return as_the_kit_wrote_it(row, file)


def as_the_kit_wrote_it(row: Reading | None, file: ModelDescription) -> Reading | None:
    """A reading with the very contract that stands in the file; None where none does."""
    if row is None:
        return None
    try:
        pixels, tensor = parse_contract(json.loads(file.metadata.get("input", "")), "input")
    except (ValueError, RecursionError, BundleError):
        return None
    if [tensor.dtype] != [info.dtype for info in file.inputs]:
        return None
    return replace(
        row,
        color=pixels.color,
        resize=pixels.resize,
        filter=pixels.filter,
        pad=pixels.pad,
        anchor=pixels.anchor,
        tensor=tensor,
        size=(pixels.height, pixels.width),
        notes=("its picture is as edgelens wrote it into the file",),
    )
