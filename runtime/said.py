"""How an option is written on the command line, said beside the field of the dataclass that it arrives in.

Imports nothing heavy: the command line makes its options from these fields before it knows what will run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

__all__ = ["Said", "from_said", "option", "spelled_in"]

T = TypeVar("T")


@dataclass(frozen=True)
class Said:
    """How an argument is written on the command line, and what it may be."""

    help: str
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    above: float | None = None  # a number that must be greater
    whole: bool = False  # a number without a fraction
    flag: str = ""  # its spelling; the field's name unless said
    read: Callable[[Any, str], Any] | None = None  # its value from what was written; the second is its spelling
    stdout: bool = False  # a place to write to, where - is the standard output

    @property
    def name(self) -> str:
        """What the command line calls the value: the spelling as a Python name."""
        return self.flag.removeprefix("--").replace("-", "_")


def option(said: Said, default: Any = None) -> Any:
    """A field of an options dataclass that is an option of the command line."""
    return field(default=default, metadata={"said": said})


def spelled_in(options: type[Any]) -> dict[str, Any]:
    """How each option of a dataclass is written (a `Said`), by its field's name; its spelling filled in."""
    return {
        f.name: replace(said, flag=said.flag or "--" + f.name.replace("_", "-"))
        for f in fields(options)
        if (said := f.metadata.get("said")) is not None
    }


def from_said(options: type[T], given: Mapping[str, Any]) -> T:
    """The dataclass with what the command line gave, by the names that it has there."""
    values = {}
    for name, said in spelled_in(options).items():
        value = given.get(said.name)
        if value is not None:
            values[name] = value if said.read is None else said.read(value, said.flag)
    return options(**values)
