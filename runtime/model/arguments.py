"""What a caller can say of a model: what a bare file needs and a bundle brings along, and how its answer is changed.

Imports nothing heavy: the command line makes its options from these fields before it knows whether a model runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from ..said import Said, checked, option, spelled_in

__all__ = ["Argument", "ModelArguments", "spelled"]


@dataclass(frozen=True)
class Argument(Said):
    """How an argument is written, and whose it is."""

    bare: bool = False  # of the picture: a bundle brings its own
    decoder: bool = False  # an option of the decoder: noted where a decoder has none of the name


def _numbers(value: str | float | Sequence[float], option: str) -> tuple[float, ...]:
    """One number or three as they were written, `127.5` or `123.7,116.3,103.5`."""
    try:
        parts = value.split(",") if isinstance(value, str) else [value] if isinstance(value, (int, float)) else value
        numbers = tuple(float(part) for part in parts)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) not in (1, 3) or not all(map(math.isfinite, numbers)):
        raise UsageError(f"{option} {value}: write one number, or one a channel with commas between")
    return numbers


def _deviations(value: str | float | Sequence[float], option: str) -> tuple[float, ...]:
    deviations = _numbers(value, option)
    if 0.0 in deviations:
        raise UsageError(f"{option}: must not be 0")
    return deviations


def _size(value: str | int | Sequence[int], option: str) -> tuple[int, int]:
    """Width and height from "WxH", one side of a square, or (width, height)."""
    try:
        text = str(value) if isinstance(value, int) else value
        sides = [int(side) for side in text.lower().split("x")] if isinstance(text, str) else list(text)
    except (TypeError, ValueError):
        sides = []
    if len(sides) not in (1, 2) or not all(isinstance(side, int) and 1 <= side <= 8192 for side in sides):
        raise UsageError(f"{option} {value}: write WIDTHxHEIGHT, such as 640x480")
    return sides[0], sides[-1]


def _names(value: str | int | Sequence[str | int], option: str) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else [value] if isinstance(value, int) else value
    if not isinstance(parts, list | tuple | set):
        raise UsageError(f"{option} {value}: give names or numbers, with commas between")
    return tuple(str(part).strip() for part in parts if str(part).strip())


def _words(value: str | Sequence[str], option: str) -> tuple[str, ...]:
    """The words themselves, or the file that holds them, one a line."""
    if not isinstance(value, str):
        return tuple(value)
    from ..labels import read_words

    return read_words(value, option)


@dataclass(frozen=True)
class ModelArguments:
    """Every value as it was said, on the command line's or in Python's way; None where nothing was.

    A new one is a field here, which the command line and `open_model` take up, and the code that heeds it.
    """

    labels: str | tuple[str, ...] | None = option(Argument("Names of the classes, one a line.", "FILE"))
    mean: tuple[float, ...] | None = option(
        Argument("Input is (pixel - mean) / std.", "M[,M,M]", read=_numbers, bare=True)
    )
    std: tuple[float, ...] | None = option(
        Argument("Input is (pixel - mean) / std.", "S[,S,S]", read=_deviations, bare=True)
    )
    color: str | None = option(Argument("The model's colour order.", choices=("rgb", "bgr", "gray"), bare=True))
    resize: str | None = option(
        Argument("How a frame meets the input size.", choices=("stretch", "letterbox", "crop"), bare=True)
    )
    pad: int | None = option(Argument("The pixel of letterbox bars.", low=0, high=255, whole=True, bare=True))
    input_size: tuple[int, int] | None = option(  # width and height
        Argument("The input's size, where the model leaves it free.", "WxH", read=_size, bare=True)
    )
    decoder: str | None = option(
        Argument("How to read the model's outputs (see `inspect`).", "NAME", flag="--decode", bare=True)
    )
    threshold: float | None = option(Argument("Reject what scores below P.", "P", low=0, high=1))
    false_accepts: float | None = option(
        Argument("Take so many strangers for somebody that was taught (.01).", "P", low=1e-6, high=0.5, decoder=True)
    )
    classes: tuple[str, ...] | None = option(  # names or numbers
        Argument("Only these classes, by name or number.", "A,B", read=_names, decoder=True)
    )
    iou: float | None = option(Argument("Boxes that overlap more are one.", "R", low=0, high=1, decoder=True))
    max_det: int | None = option(Argument("At most so many boxes a frame.", "N", low=1, whole=True, decoder=True))
    tile: int | None = option(
        Argument("Look for small things in N tiles along the frame.", "N", low=1, high=16, whole=True, decoder=True)
    )
    lexicon: tuple[str, ...] | None = option(
        Argument("Read only these words, one a line.", "FILE", read=_words, decoder=True)
    )
    pattern: str | None = option(Argument("Read only what fits, such as '[A-Z]{2}\\d{4}'.", "REGEX", decoder=True))

    def __post_init__(self) -> None:
        if self.labels is not None and not isinstance(self.labels, str):
            object.__setattr__(self, "labels", tuple(self.labels))
        for name, said in spelled().items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, checked(value, said, said.flag))

    def said_of_picture(self) -> tuple[str, ...]:
        """The arguments that were given and that only a bare model file takes, as the command line spells them."""
        return tuple(said.flag for name, said in spelled().items() if said.bare and getattr(self, name) is not None)

    def said_to_decoder(self) -> dict[str, Any]:
        """The decoder's options that were given, by name."""
        given = {name: getattr(self, name) for name, said in spelled().items() if said.decoder}
        return {name: value for name, value in given.items() if value is not None}


def spelled() -> dict[str, Argument]:
    """How each argument is written, by its field's name; its spelling filled in."""
    return _SPELLED


_SPELLED: dict[str, Argument] = spelled_in(ModelArguments)
