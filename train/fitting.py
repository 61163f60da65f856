"""Values of a JSON file for the fields of a dataclass: one of a wrong kind is named before anything computes with it."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any

from edgelens.runtime.errors import DataError

__all__ = ["fitting"]


def fitting(kind: type[Any], values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The values with lists as the tuples that dataclasses hold; what fits no field of its name is a DataError."""
    hints = typing.get_type_hints(kind)
    made = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    for name, value in made.items():
        if name in hints and not _fits(hints[name], value):
            raise DataError(f"{where}: {name} is {values[name]!r}, which does not fit")
    return made


def _fits(hint: Any, value: Any) -> bool:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(part, value) for part in parts)
    if origin is tuple:
        wanted = parts[:1] * len(value) if parts[-1] is ... and isinstance(value, tuple) else parts
        return isinstance(value, tuple) and len(value) == len(wanted) and all(map(_fits, wanted, value))
    if origin is typing.Literal:  # which words there are says the dataclass itself
        return isinstance(value, str)
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint)
