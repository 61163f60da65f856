"""JSON that knows where it stands: read safely, and every complaint names the file, the path and what is wrong."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..errors import BundleError

__all__ = ["Node", "read_json"]

T = TypeVar("T")

_MAX_TEXT = 4096
# what moves a terminal's cursor, ends a line of a log, or turns the order of what is read around
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_HASH = re.compile(r"[0-9a-f]{64}")


def read_json(data: bytes, where: str) -> Node:
    """The top level of a manifest; `where` names the file in messages."""
    try:
        plain = json.loads(
            data.decode("utf-8"),
            parse_constant=_no_constant,
            parse_float=_finite,
            object_pairs_hook=_without_duplicates,
        )
        json.dumps(plain, ensure_ascii=False).encode()  # half of a surrogate pair is no text that can be printed
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _plain_reason(error)
        raise BundleError(f"{where}: manifest.json is not valid JSON ({reason})") from None
    return Node(plain, where, "")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:40]!r} is there twice")
    return entries


def _plain_reason(error: ValueError) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "it holds half of a surrogate pair"
    return " ".join(str(error).split())[:120]


class Node:
    """A JSON value that knows its path, so that every complaint can name it."""

    def __init__(self, value: Any, where: str, path: str) -> None:
        self.value, self.where, self.path = value, where, path

    def fail(self, problem: str) -> BundleError:
        """The error to raise, which names file and path."""
        return BundleError(f"{self.where}: manifest.json: {self.path or 'top level'} {problem}")

    def child(self, key: str, default: Any = ...) -> Node:
        """The value of a key; the default where it is missing or null."""
        if not isinstance(self.value, dict):
            raise self.fail("must be an object")
        if key not in self.value and default is ...:
            raise self.fail(f"lacks {key!r}")
        value = self.value.get(key, default)
        return Node(
            default if value is None and default is not ... else value,
            self.where,
            f"{self.path}.{key}".lstrip("."),
        )

    def text(self, key: str, default: Any = ..., choices: tuple[str, ...] = (), allowed: str = "") -> str:
        """A text on one line, one of `choices` where there are some."""
        node = self.child(key, default)
        node.as_text(allowed)
        if choices and node.value not in choices:
            raise node.fail(f"is {node.value[:40]!r}, must be one of {', '.join(choices)}")
        return str(node.value)

    def number(self, key: str, default: Any = ..., low: float = -math.inf, high: float = math.inf) -> float:
        """A number of a range."""
        return self.child(key, default).as_number(low, high)

    def as_number(self, low: float = -math.inf, high: float = math.inf) -> float:
        """This very value as a number of a range."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            raise self.fail("must be a number")
        if not low <= self.value <= high:
            raise self.fail(f"is {str(self.value)[:40]}, must be between {low:g} and {high:g}")
        return float(self.value)

    def integer(self, key: str, default: Any = ..., low: int = 0, high: int = 2**31) -> int:
        """A whole number of a range."""
        node = self.child(key, default)
        number = node.as_number(low, high)
        if number != int(number):
            raise node.fail("must be a whole number")
        return int(node.value)

    def optional(self, key: str, low: float, high: float) -> float | None:
        """A number of a range, or that there is none."""
        if not isinstance(self.value, dict):
            raise self.fail("must be an object")
        return None if self.value.get(key) is None else self.number(key, low=low, high=high)

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        node = self.child(key, default)
        if not isinstance(node.value, bool):
            raise node.fail("must be true or false")
        return node.value

    def rows(self, key: str, make: Callable[[Node], T], default: Any = ...) -> tuple[T, ...]:
        """A list, each of its values made into something."""
        node = self.child(key, default)
        if not isinstance(node.value, (list, tuple)) or len(node.value) > 100_000:
            raise node.fail("must be a list")
        return tuple(make(Node(v, self.where, f"{node.path}[{i}]")) for i, v in enumerate(node.value))

    def texts(self, key: str, default: Any = ...) -> tuple[str, ...]:
        """A list of texts."""
        return self.rows(key, lambda row: row.as_text(), default)

    def numbers(self, key: str, default: Any = ...) -> tuple[float, ...]:
        """One number, or one a channel."""
        values = self.rows(key, lambda row: row.as_number(-1e9, 1e9), default)
        if len(values) not in (1, 3):
            raise self.child(key).fail("must hold one number, or one a channel")
        return values

    def as_text(self, allowed: str = "") -> str:
        """This very value as a text without control characters."""
        if not isinstance(self.value, str) or len(self.value) > _MAX_TEXT:
            raise self.fail(f"must be a text of at most {_MAX_TEXT} letters")
        if any(letter not in allowed for letter in _CONTROLS.findall(self.value)):
            raise self.fail("must be a text without control characters")
        return self.value

    def table(self, key: str, make: Callable[[Node], T], default: Any = ...) -> dict[str, T]:
        """An object, each of its values made into something."""
        node = self.child(key, default)
        if not isinstance(node.value, dict):
            raise node.fail("must be an object")
        return {name: make(node.child(name)) for name in node.value}

    def plain(self, key: str) -> Mapping[str, Any]:
        """An object as it is."""
        node = self.child(key, {})
        if not isinstance(node.value, dict):
            raise node.fail("must be an object")
        return node.value

    def hash(self) -> str:
        """This very value as a sha256."""
        if not isinstance(self.value, str) or not _HASH.fullmatch(self.value):
            raise self.fail("must be a sha256 in 64 hex digits")
        return self.value
