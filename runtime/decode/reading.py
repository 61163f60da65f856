"""How a bare model file is to be read: what each family of networks is known to want and to answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..bundle.manifest import Decode
from ..formats.description import ModelDescription
from ..preprocess import Anchor, Color, Filter, Resize, TensorContract

__all__ = ["Reader", "Reading"]


@dataclass(frozen=True)
class Reading:
    """A family's contract for one model file; every part of it can be overruled by an option."""

    decode: Decode
    outputs: tuple[str, ...]  # the decoder's names for the file's outputs, in the file's order
    classes: int | None = None  # None: the file does not say
    picked: tuple[str, ...] = ()  # the file's own names of those outputs, where not simply the first ones
    color: Color = "rgb"
    resize: Resize = "stretch"
    filter: Filter = "halves"
    pad: int = 128
    anchor: Anchor = "center"
    mean: tuple[float, ...] | None = None  # None: the family says nothing
    std: tuple[float, ...] | None = None
    tensor: TensorContract | None = None  # the very numbers, where the file states them: mean and std do not count then
    labels: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()  # what its classes are taken for where nothing names them
    size: tuple[int, int] | None = None  # height and width, where the file leaves them free but its metadata does not
    widths: tuple[int, ...] = ()  # that it takes where the file leaves its width free
    notes: tuple[str, ...] = ()
    may_count_nothing: bool = False  # whether class 0 may be the background, which lists of names often leave out


class Reader(Protocol):
    """Recognizes a bare file as one of a family: None where it is not one; `asked` when the user named the family."""

    def __call__(self, file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
        """The family's contract for the file."""
