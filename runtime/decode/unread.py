"""Why nothing reads a bare file's outputs: what they look like, and what would make them readable."""

from __future__ import annotations

from ..engines.protocol import shape_of
from ..formats.description import ModelDescription
from .catalog import asked_readers
from .classify_reading import looks_like_embedding, one_for_each, row_length

__all__ = ["why_unread"]

_SHOWN = 6  # outputs
_OF_ROWS = ("classify", "edgelens", "embedding")


def why_unread(file: ModelDescription) -> str:
    """What the outputs are, and which `--decode` could read them, if it is what the user knows them to be."""
    named = [f"{output.name} {shape_of(output)}" for output in file.outputs[:_SHOWN]]
    more = f" and {len(file.outputs) - _SHOWN} more" if len(file.outputs) > _SHOWN else ""
    alike = _looks_like(file)
    anchors = any(one_for_each(output) for output in file.outputs)  # no row of scores, whatever is asked
    fitting = [
        word
        for word, read in asked_readers()
        if not (anchors and word in _OF_ROWS) and read(file, (), asked=True) is not None
    ]
    if fitting:
        remedy = f"if you know better, say --decode {'|'.join(fitting)}"
        remedy += " or give its names with --labels" if "classify" in fitting else ""
    else:
        remedy = "no --decode can read them either (docs/models-of-others.md lists what is read)"
    return f"no decoder fits its outputs {', '.join(named)}{more}{alike}: {remedy}"


def _looks_like(file: ModelDescription) -> str:
    """What a file without a decoder most likely is, in brackets."""
    anchors = next((output.shape[1] for output in file.outputs if one_for_each(output)), None)
    if anchors is not None and len(file.outputs) > 1:
        return f" (boxes and scores of {anchors} anchors before they are decoded)"
    if any(looks_like_embedding(file, output) for output in file.outputs):
        return " (an embedding: what the picture is known by, no scores of classes)"
    if sum(row_length(output) is not None for output in file.outputs) > 1:
        return " (several rows of numbers: landmarks, perhaps)"
    return ""
