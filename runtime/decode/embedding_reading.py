"""Which bare files tell what a picture is known by: a row that is brought to length one, or that the user calls so."""

from __future__ import annotations

from ..bundle.manifest import Decode
from ..formats.description import ModelDescription
from .classify_reading import brought_to_length_one, looks_like_embedding, row_length
from .identify import EMBEDDING
from .kit_reading import as_the_kit_wrote_it
from .reading import Reading

__all__ = ["read_as_embedding"]


def read_as_embedding(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with a row that says nothing of classes; of several the one that looks most like an embedding."""
    rows = [(output, count) for output in file.outputs if (count := row_length(output) or 0) > 1]
    if not rows:
        return None
    output, count = max(rows, key=lambda pair: (looks_like_embedding(file, pair[0]), pair[1]))
    reading = Reading(
        Decode("identify"),
        outputs=(EMBEDDING,),
        picked=() if output is file.outputs[0] else (output.name,),
        classes=0,
        mean=file.mean,
        std=file.std,
    )
    if output.name == EMBEDDING and (kits := as_the_kit_wrote_it(reading, file)) is not None:
        return kits
    named = bool(labels) and abs(count - len(labels)) <= 1
    return reading if asked or (brought_to_length_one(file, output) and not named) else None
