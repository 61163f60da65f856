"""Which bare files read text: scores a step of a picture's width, and what its alphabet is."""

from __future__ import annotations

from ..bundle.manifest import Decode
from ..formats.description import ModelDescription
from ..formats.tensor import TensorInfo
from ..labels import is_alphabet
from .ctc import TEXT
from .picture import picture_is_nchw
from .reading import Reading

__all__ = ["read_as_ctc"]

_CHARACTERS = "character"  # the metadata in which PP-OCR's recognizers keep their alphabet
_BLANKS = frozenset(["blank", "<blank>", "[blank]", "<blk>", "-"])  # what a list of labels calls it at either end
_WIDTHS = (
    320,
    480,
    640,
    960,
    1280,
)  # of pictures 48 high, where a file takes any width; the least is what PP-OCR learned
_HEIGHT = 48


def read_as_ctc(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with one output (1, T, C), (T, 1, C) or (1, C, T), where its metadata or the user say that it reads.

    Labels say so that are single characters, as many as it has scores a step.
    """
    stated = tuple(file.metadata.get(_CHARACTERS, "").splitlines())
    known = "names" in file.metadata  # as detectors and classifiers of Ultralytics have
    if known or len(file.outputs) != 1 or len(file.inputs) != 1:
        return None
    output = file.outputs[0]
    named = is_alphabet(labels) and bool(set(output.shape[1:]) & set(_counts(len(labels))))
    rows = len(output.shape) == 3
    if not (rows and (stated or named or asked)) and not (asked and _may_be_rows(output)):
        return None
    names = stated or labels
    scores, by_column = _scores_a_step(output, len(names))
    alphabet, blank = _without_blank(names, scores, usual="last" if file.format == "tflite" else "first")
    height = _height(file) or _HEIGHT
    return Reading(
        Decode(
            "ctc", options={"alphabet": list(alphabet), "blank": blank, "steps": "columns" if by_column else "rows"}
        ),
        outputs=("scores",),
        color="bgr" if stated else "rgb",
        resize="letterbox",
        filter="linear",
        anchor="topleft",
        mean=file.mean or (127.5,),
        std=file.std or (127.5,),
        labels=(TEXT,),
        size=(height, _WIDTHS[0] * height // _HEIGHT),
        widths=tuple(width * height // _HEIGHT for width in _WIDTHS),
        notes=_said(alphabet, blank, stated=bool(stated)),
    )


def _counts(names: int) -> range:
    """How many scores a step may have with so many names: with the blank among them, or with it and a space beside."""
    return range(names, names + 3) if names else range(0)


def _may_be_rows(output: TensorInfo) -> bool:
    """Whether a file does not say what shape its output has, or leaves axes open, as those do that say a wrong one."""
    return len(output.shape) < 3 and (not output.shape or None in output.shape)


def _scores_a_step(output: TensorInfo, names: int) -> tuple[int | None, bool]:
    """How many scores a step has, and whether steps are the last axis; None where the file does not say."""
    if len(output.shape) != 3:
        return None, False
    first, middle, last = output.shape
    fitting = _counts(names)
    if first in (None, 1) and middle in fitting and last not in fitting:
        return middle, True
    return last, False


def _without_blank(names: tuple[str, ...], scores: int | None, usual: str) -> tuple[tuple[str, ...], str]:
    """The alphabet, and where the blank is: where the list has it, else where such networks have it.

    PP-OCR's lists leave out the space too, which then is the last character, whether they have one already or not.
    """
    nameless = ("", " ") if scores is not None else ("",)
    for blanks in (_BLANKS, nameless):
        for place, at in (("first", 0), ("last", -1)):
            if names and scores in (None, len(names)) and names[at] in blanks:
                return _spaced(names[1:] if at == 0 else names[:-1]), place
    if scores is not None and scores == len(names) + 2:
        return (*_spaced(names), " "), usual
    return _spaced(names), usual


def _spaced(names: tuple[str, ...]) -> tuple[str, ...]:
    """Characters, of which a space may have been stripped where a short list was read."""
    return tuple(name or " " for name in names)


def _height(file: ModelDescription) -> int | None:
    shape = file.inputs[0].shape
    if len(shape) != 4:
        return shape[1] if len(shape) == 3 else None
    return shape[2] if picture_is_nchw(file.inputs[0], file.format) else shape[1]


def _said(alphabet: tuple[str, ...], blank: str, *, stated: bool) -> tuple[str, ...]:
    if not alphabet:
        return ("its characters are not known: name them with --labels FILE, one a line",)
    where = "its metadata" if stated else "the labels given"
    return (f"reads {len(alphabet)} characters, as {where} say; the {blank} score of a step is that of none",)
