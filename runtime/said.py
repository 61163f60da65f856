"""How an option is written on the command line, said beside the field of the dataclass that it arrives in.

Imports nothing heavy: the command line makes its options from these fields before it knows what will run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from numbers import Integral, Real
from typing import Any, TypeVar

from .errors import UsageError

__all__ = ["Said", "checked", "from_said", "joined", "option", "refuse_idle", "spelled_in"]

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
    brought_back: bool = False  # a file or folder that is written: where `--on` did it, it comes here
    appended: bool = False  # what is written follows what the file has already
    several: bool = False  # it may be given several times
    needs: str = ""  # the part of the kit that must be installed where it is said

    @property
    def number(self) -> bool:
        """Whether the value is a number."""
        return self.whole or any(end is not None for end in (self.low, self.high, self.above))

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


def from_said(options: type[T], given: Mapping[str, Any], /, **others: Any) -> T:
    """The dataclass with what the command line gave, by the names that it has there; `others` hold in their place."""
    values = {}
    for name, said in spelled_in(options).items():
        value = given.get(said.name)
        if value is not None:
            values[name] = checked(value, said, said.flag)
    return options(**{**values, **others})


def refuse_idle(options: Any, company: str, *, only: Collection[str] | None = None) -> None:
    """Refuse options that were said where their company, without which they mean nothing, was not."""
    usual = type(options)()
    for name, said in spelled_in(type(options)).items():
        if (only is None or name in only) and getattr(options, name) != getattr(usual, name):
            raise UsageError(f"{said.flag} goes with {company}")


def joined(value: Any, between: str) -> str:
    """What was written as one text: the parts of a list with what stands `between` them on the command line."""
    return between.join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def checked(value: Any, said: Said, written: str) -> Any:
    """A value as it was written, read, and refused where the command line would: the line begins with `written`."""
    if said.choices and str(value) not in said.choices:
        raise UsageError(f"{written} {value}: must be one of {', '.join(said.choices)}")
    meant = value if said.read is None else said.read(value, written)
    if said.number:
        _check_number(meant, said, written)
    return meant


def _check_number(value: Any, said: Said, written: str) -> None:
    number = isinstance(value, Integral if said.whole else Real)  # numpy's as well
    if isinstance(value, bool) or not number:
        raise UsageError(f"{written} {value}: must be a {'whole ' if said.whole else ''}number")
    if _is_endless(value):  # no JSON can say it, and a run's settings are told to its page
        raise UsageError(f"{written} {str(value)[:40]}: is no number")
    low = said.low is None or value >= said.low
    if low and (said.above is None or value > said.above) and (said.high is None or value <= said.high):
        return
    if said.above is not None:
        allowed = f"above {said.above:g}" + ("" if said.high is None else f" and at most {said.high:g}")
    elif said.low is None or said.high is None:
        allowed = f"at least {said.low:g}" if said.low is not None else f"at most {said.high:g}"
    else:
        allowed = f"between {said.low:g} and {said.high:g}"
    raise UsageError(f"{written} {value}: must be {allowed}")


def _is_endless(value: Any) -> bool:
    """Whether it is infinite, or a whole number that no float can hold."""
    try:
        return math.isinf(value)
    except OverflowError:
        return True
