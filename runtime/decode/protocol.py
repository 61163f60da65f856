"""What a decoder is, and how its options come out of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from ..bundle.manifest import Decode
from ..errors import ModelError
from ..preprocess import Placement
from ..recognitions import Recognitions

__all__ = ["DecodeOptions", "Decoder", "counts", "flag", "number", "one_of", "option", "text", "texts", "whole"]

T = TypeVar("T")
Own = TypeVar("Own", bound="DecodeOptions")
_MOST = 2**31


class Decoder(Protocol):
    """One network's outputs by name as recognitions; its options were read when it was made."""

    def __call__(
        self, outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        """What one picture's outputs say; a threshold here holds for all labels, None is the model's own."""


@dataclass(frozen=True)
class DecodeOptions:
    """What a decoder alone knows, from `Decode.options`; a decoder's own options are fields made by `option`."""

    @classmethod
    def of(cls: type[Own], decode: Decode) -> Own:
        """The options, checked: a manifest's are believed in nothing; keys that nobody knows are a newer kit's."""
        known = {f.name: f.metadata["read"] for f in fields(cls)}
        values: dict[str, Any] = {}
        for name, value in decode.options.items():
            if name not in known:
                continue
            try:
                values[name] = known[name](value)
            except (TypeError, ValueError, OverflowError):
                said = str(value)[:40]
                raise ModelError(f"decode option {name!r} has a value that decoders cannot use: {said}") from None
        return cls(**values)


def option(default: T, read: Callable[[Any], T]) -> T:
    """A field of a decoder's options; `read` makes its value of plain JSON, or raises ValueError."""
    made: T = field(default=default, metadata={"read": read})
    return made


def number(low: float, high: float) -> Callable[[Any], float]:
    """Reads a number of a range."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise ValueError
        return float(value)

    return read


def whole(low: int = 0, high: int = _MOST - 1) -> Callable[[Any], int]:
    """Reads a whole number of a range."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError
        return value

    return read


def counts(value: Any) -> tuple[int, ...] | None:
    """Reads whole numbers, or that there are none."""
    if value is None:
        return None
    if not isinstance(value, (list, tuple)):
        raise ValueError  # noqa: TRY004
    return tuple(map(whole(), value))


def flag(value: Any) -> bool:
    """Reads true or false."""
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004
    return value


def text(value: Any) -> str:
    """Reads a word."""
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004
    return value


def texts(value: Any) -> tuple[str, ...] | None:
    """Reads a list of words, or that there is none."""
    if value is None:
        return None
    if not isinstance(value, (list, tuple)):
        raise ValueError  # noqa: TRY004
    return tuple(map(text, value))


def one_of(*words: Any) -> Callable[[Any], Any]:
    """Reads one of a few values."""

    def read(value: Any) -> Any:
        if not any(type(value) is type(word) and value == word for word in words):
            raise ValueError
        return value

    return read
