"""A regular expression over an alphabet, walked by its derivatives (Brzozowski, 1964).

What is left of an expression behind a character is an expression again: it is the state, and no table has to be built.
Of each there is one node alone, so that states are looked up by what they are and not by all that is inside of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError

__all__ = ["Pattern"]

N = TypeVar("N")

_LONGEST = 200  # characters of an expression
_MOST = 99  # times that something may be repeated
_CLASSES: dict[str, Callable[[str], bool]] = {
    "d": str.isdecimal,
    "w": lambda c: c.isalnum() or c == "_",
    "s": str.isspace,
    "D": lambda c: not c.isdecimal(),
    "W": lambda c: not (c.isalnum() or c == "_"),
    "S": lambda c: not c.isspace(),
}


@dataclass(frozen=True, eq=False)
class _One:
    """One character of these columns; of none it is what nothing fits."""

    columns: frozenset[int]


@dataclass(frozen=True, eq=False)
class _Row:
    """One after the other; the empty text where there is none."""

    parts: tuple[_Node, ...]


@dataclass(frozen=True, eq=False)
class _Any:
    """One of several."""

    parts: frozenset[_Node]


@dataclass(frozen=True, eq=False)
class _Times:
    """The same thing again and again; `most` None is without an end."""

    part: _Node
    least: int
    most: int | None


_Node = _One | _Row | _Any | _Times
_nodes: WeakValueDictionary[tuple[Any, ...], Any] = WeakValueDictionary()  # those that a state or a cache still has


def _made(kind: Callable[..., N], *parts: Any) -> N:
    """The node of that kind with these parts, the same one whenever it is asked for."""
    key = (kind, *parts)
    node: N | None = _nodes.get(key)
    if node is None:
        node = _nodes[key] = kind(*parts)
    return node


_NEVER = _made(_One, frozenset())
_EMPTY = _made(_Row, ())


class Pattern:
    """The texts that fit an expression from end to end: `.`, `[A-Z0-9]`, `\\d \\w \\s`, `( | )`, `? * + {2,4}`."""

    def __init__(self, expression: str, alphabet: Sequence[str]) -> None:
        self.start: _Node = _Parser(expression, alphabet).whole()

    def follows(self, state: _Node) -> NDArray[np.intp]:
        """The characters with which what is left can begin."""
        return _first(state)

    def after(self, state: _Node, column: int) -> _Node:
        """What is left behind a character."""
        return _after(state, column)

    def ends(self, state: _Node) -> bool:
        """Whether what is left may be empty."""
        return _may_be_empty(state)


def _row(parts: Sequence[_Node]) -> _Node:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, _Row) else (part,))]
    if _NEVER in flat:
        return _NEVER
    return flat[0] if len(flat) == 1 else _made(_Row, tuple(flat))


def _any(parts: Sequence[_Node]) -> _Node:
    flat = {inner for part in parts for inner in (part.parts if isinstance(part, _Any) else (part,))} - {_NEVER}
    if len(flat) < 2:
        return flat.pop() if flat else _NEVER
    return _made(_Any, frozenset(flat))


def _times(part: _Node, least: int, most: int | None) -> _Node:
    if most == 0 or part in (_NEVER, _EMPTY):
        return _EMPTY if least == 0 or part == _EMPTY else _NEVER
    return part if (least, most) == (1, 1) else _made(_Times, part, least, most)


@lru_cache(maxsize=65536)
def _may_be_empty(node: _Node) -> bool:
    if isinstance(node, _One):
        return False
    if isinstance(node, _Times):
        return node.least == 0 or _may_be_empty(node.part)
    return (all if isinstance(node, _Row) else any)(map(_may_be_empty, node.parts))


@lru_cache(maxsize=65536)
def _first(node: _Node) -> NDArray[np.intp]:
    return np.array(sorted(_beginnings(node)), np.intp)


def _beginnings(node: _Node) -> frozenset[int]:
    if isinstance(node, _One):
        return node.columns
    if isinstance(node, _Times):
        return _beginnings(node.part)
    if isinstance(node, _Any):
        return frozenset().union(*map(_beginnings, node.parts))
    found: frozenset[int] = frozenset()
    for part in node.parts:
        found |= _beginnings(part)
        if not _may_be_empty(part):
            break
    return found


@lru_cache(maxsize=65536)
def _after(node: _Node, column: int) -> _Node:
    if isinstance(node, _One):
        return _EMPTY if column in node.columns else _NEVER
    if isinstance(node, _Any):
        return _any([_after(part, column) for part in node.parts])
    if isinstance(node, _Times):
        fewer = None if node.most is None else node.most - 1
        return _row([_after(node.part, column), _times(node.part, max(node.least - 1, 0), fewer)])
    ways = []
    for at, part in enumerate(node.parts):
        ways.append(_row([_after(part, column), *node.parts[at + 1 :]]))
        if not _may_be_empty(part):
            break
    return _any(ways)


class _Parser:
    """Reads an expression from left to right."""

    def __init__(self, expression: str, alphabet: Sequence[str]) -> None:
        self._text, self._at, self._alphabet = expression, 0, alphabet

    def whole(self) -> _Node:
        """The expression as a node that some text of the alphabet fits."""
        if len(self._text) > _LONGEST:
            raise self._wrong(f"is longer than {_LONGEST} characters")
        self._text = self._text.removeprefix("^")  # it is held against the whole text anyway
        before = self._text.removesuffix("$")
        if (len(before) - len(before.rstrip("\\"))) % 2 == 0:  # else the dollar itself is meant
            self._text = before
        node = self._ways()
        if self._at < len(self._text):
            raise self._wrong(f"has a {self._text[self._at]!r} too many at place {self._at + 1}")
        if node == _NEVER:
            raise self._wrong("fits no text of this model's alphabet")
        return node

    def _ways(self) -> _Node:
        ways = [self._sequence()]
        while self._took("|"):
            ways.append(self._sequence())
        return _any(ways)

    def _sequence(self) -> _Node:
        parts = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._repeated(self._atom()))
        return _row(parts)

    def _repeated(self, node: _Node) -> _Node:
        for sign, (least, most) in {"?": (0, 1), "*": (0, None), "+": (1, None)}.items():
            if self._took(sign):
                return _times(node, least, most)
        return self._counted(node) if self._took("{") else node

    def _counted(self, node: _Node) -> _Node:
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at : max(end, self._at)].partition(",")
        if end < 0 or not (low + high).isdecimal() or not (low or comma):
            raise self._wrong("has a { that no number and } follow; write {4} or {2,4}")
        self._at = end + 1
        least, most = int(low or 0), int(high) if high else None if comma else int(low)
        if max(least, most or 0) > _MOST or (most is not None and most < least):
            raise self._wrong(f"repeats {least} to {most} times; at most {_MOST} and the larger number last")
        return _times(node, least, most)

    def _atom(self) -> _Node:
        sign = self._next()
        if sign == "(":
            self._at += 2 * self._text.startswith("?:", self._at)
            node = self._ways()
            if not self._took(")"):
                raise self._wrong("has a ( without its )")
            return node
        if sign == "[":
            return self._one_of_class()
        if sign in "?*+{":
            raise self._wrong(f"has a {sign!r} with nothing before it to repeat; a plain one is written \\{sign}")
        return _made(_One, self._columns(sign))

    def _columns(self, sign: str) -> frozenset[int]:
        """The columns of one character as it is written outside of brackets or inside."""
        if sign == ".":
            return frozenset(range(1, len(self._alphabet) + 1))
        if sign != "\\":
            return self._those(sign.__eq__)
        escaped = self._next()
        if escaped in _CLASSES:
            return self._those(_CLASSES[escaped])
        if escaped.isalnum():
            raise self._wrong(f"has a \\{escaped}, which is not known here; there are \\d, \\w and \\s")
        return self._those(escaped.__eq__)

    def _one_of_class(self) -> _Node:
        beside, found = self._took("^"), frozenset[int]()
        first = True
        while first or not self._took("]"):
            first, sign = False, self._next()
            if self._text.startswith("-", self._at) and not self._text.startswith("-]", self._at) and sign != "\\":
                self._at += 1
                last = self._next()
                if last < sign:
                    raise self._wrong(f"has a range {sign}-{last} that runs backwards")
                found |= self._between(sign, last)
            else:
                found |= self._those(sign.__eq__) if sign == "." else self._columns(sign)
        every = frozenset(range(1, len(self._alphabet) + 1))
        return _made(_One, every - found if beside else found)

    def _between(self, low: str, high: str) -> frozenset[int]:
        return self._those(lambda character: len(character) == 1 and low <= character <= high)

    def _those(self, fits: Callable[[str], bool]) -> frozenset[int]:
        return frozenset(column for column, character in enumerate(self._alphabet, 1) if fits(character))

    def _took(self, sign: str) -> bool:
        if self._text.startswith(sign, self._at):
            self._at += len(sign)
            return True
        return False

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise self._wrong("ends in the middle of something")
        self._at += 1
        return self._text[self._at - 1]

    def _wrong(self, what: str) -> UsageError:
        return UsageError(f"--pattern {self._text}: {what}")
