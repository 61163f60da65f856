"""Why nothing reads a bare file's outputs: what they look like, and what would make them readable."""

from __future__ import annotations

from ..formats.description import ModelDescription
from ..formats.tensor import shape_of
from .catalog import asked_readers
from .classify_reading import gives_probabilities, looks_like_embedding, looks_like_places, one_for_each, row_length
from .picture import picture_is_nchw, picture_size

__all__ = ["why_unread"]

_COARSEST_MASK = 4  # pixels of the picture a place
_SHOWN = 6  # outputs
_LONGEST = 60  # characters of what a file calls itself
_MOST_POINTS = 500  # of a face; grids of cells have more
_ROWS_OF_EMBEDDINGS = 2  # beside what a picture is known by there may be one row more
_OF_ROWS = ("classify", "edgelens", "embedding")


def why_unread(file: ModelDescription) -> tuple[str, str]:
    """What the outputs are, and which `--decode` could read them, if it is what the user knows them to be.

    With the option that would help; "" where none would.
    """
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
        remedy = f"if you know better, say --decode {'|'.join(fitting)}{_named(file, fitting)}"
    else:
        remedy = "no --decode can read them either (docs/models-of-others.md lists what is read)"
    return f"no decoder fits its outputs {', '.join(named)}{more}{alike}: {remedy}", "--decode" if fitting else ""


def _named(file: ModelDescription, fitting: list[str]) -> str:
    """Which names alone would make outputs readable, too: of characters, or of a row that no other is as long as."""
    if "ctc" in fitting and len(file.outputs[0].shape) == 3:
        return " or name the characters that it reads with --labels"
    lengths = [length for output in file.outputs if (length := row_length(output)) is not None]
    one = any(lengths.count(length) == 1 for length in lengths)
    return " or give its names with --labels" if one and "classify" in fitting else ""


def _looks_like(file: ModelDescription) -> str:
    """What a file without a decoder most likely is, and what it calls itself, in brackets."""
    calls = file.metadata.get("name", "").strip()[:_LONGEST]
    parts = [
        part for part in (_guess(file), f"it calls itself {calls}" if calls.isprintable() and calls else "") if part
    ]
    return f" ({'; '.join(parts)})" if parts else ""


def _guess(file: ModelDescription) -> str:
    anchors = next((output.shape[1] for output in file.outputs if one_for_each(output)), None)
    if anchors is not None and len(file.outputs) > 1:
        return f"boxes and scores of {anchors} anchors before they are decoded"
    names = " ".join(output.name.lower() for output in file.outputs)
    if "box" in names and ("score" in names or "conf" in names):
        return "boxes and scores of a detector that is not known here"
    rows = [output for output in file.outputs if row_length(output) is not None]
    several = "several rows of numbers: landmarks, perhaps"
    if len(rows) > 1 and all(gives_probabilities(file, output) for output in rows):
        return "several rows of probabilities: answers to several questions, of which --decode classify reads the first"
    if sum((row_length(output) or 0) > 1 for output in rows) > _ROWS_OF_EMBEDDINGS:
        return several
    if any(looks_like_embedding(file, output) for output in file.outputs):
        return "an embedding: what the picture is known by, no scores of classes"
    if len(rows) > 1:
        return several
    if any(looks_like_places(file, output) for output in rows):
        return "places in the picture, most likely: landmarks or one box"
    if len(file.outputs) == 1 and _are_points(file.outputs[0].shape):
        return "points in the picture, most likely: landmarks"
    if all(len(output.shape) == 4 and output not in rows for output in file.outputs):
        return _guess_of_maps(file)
    if len(file.outputs) == 1 and file.outputs[0].shape[1:] == picture_size(file):
        return "numbers for places of the picture: a mask"
    if _takes_lines(file) and len(file.outputs) == 1:
        return "the scores of characters, most likely: text that is read from lines of one height"
    return ""


def _are_points(shape: tuple[int | None, ...]) -> bool:
    """Whether an output has two or three numbers for each of some points, its other axes being one."""
    if len(shape) < 3 or shape[-1] not in (2, 3) or not set(shape[:-2]) <= {1, None}:
        return False
    return shape[-2] is not None and 1 < shape[-2] < _MOST_POINTS


def _takes_lines(file: ModelDescription) -> bool:
    """Whether pictures may be as wide as they like and have one height, as lines of text do."""
    shape = file.inputs[0].shape if len(file.inputs) == 1 else ()
    if len(shape) != 4:
        return False
    height, width = shape[2:] if picture_is_nchw(file.inputs[0], file.format) else shape[1:3]
    return height is not None and width is None


def _guess_of_maps(file: ModelDescription) -> str:
    """What outputs are that have numbers for places of the picture: masks are nearly as fine as it is."""
    size = picture_size(file)
    shape = file.outputs[0].shape
    sides = [side for side in (shape[1:3] if file.format == "tflite" else shape[2:]) if side is not None]
    if size is None or not sides:
        return "numbers for places of the picture: a mask, perhaps"
    if len(file.outputs) == 1 and max(sides) * _COARSEST_MASK >= max(size):
        return "numbers for places of the picture: a mask"
    return "maps before they are decoded"
