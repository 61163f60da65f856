"""How a bare model file is to be read: what each family of networks is known to want and to answer."""

from __future__ import annotations

from dataclasses import dataclass

from ..bundle.manifest import Decode
from ..preprocess import Anchor, Color, Filter, Resize, TensorContract

__all__ = ["Reading"]


@dataclass(frozen=True)
class Reading:
    """A family's contract for one model file; every part of it can be overruled by an option."""

    decode: Decode
    task: str  # "classify", "detect"
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
    size: tuple[int, int] | None = None  # height and width, where the file leaves them free but its metadata does not
    notes: tuple[str, ...] = ()
