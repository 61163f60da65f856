"""Options of the command line made from the dataclasses that they arrive in, and those made of what was given.

The one place for sinks, sources and what is watched: an option is a field there, and nothing else has to know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from edgelens.cli.options import written_option
from edgelens.runtime.loop.config import PLAN_GROUPS, SourcePlan
from edgelens.runtime.said import Said, checked, from_said, spelled_in
from edgelens.runtime.sinks.catalog import SINKS
from edgelens.runtime.sources.catalog import option_classes

__all__ = [
    "brought_back",
    "needed",
    "of_sinks",
    "of_sources",
    "options_of",
    "plan_of",
    "sink_options",
    "source_options",
    "to_stdout",
    "written_files",
]

F = Callable[..., Any]


def options_of(*kinds: type[Any], only: tuple[str, ...] = ()) -> Callable[[F], F]:
    """The options of dataclasses in the order of their fields, or `only` some; what two of them share is one option."""
    written = {
        said.name: (said, usual)
        for options in kinds
        for name, said, usual in _written(options)
        if not only or name in only
    }

    def decorate(function: F) -> F:
        for said, usual in reversed(written.values()):
            function = written_option(said, said.name, usual)(function)
        return function

    return decorate


def sink_options(function: F) -> F:
    """Every option of every sink, in the catalog's order."""
    return options_of(*(entry.options for entry in SINKS.values()))(function)


def source_options(function: F) -> F:
    """Every option of every kind of source."""
    return options_of(*option_classes())(function)


def of_sinks(given: Mapping[str, Any]) -> dict[str, Any]:
    """Each sink's options, by the sink's name, from all that the command line gave."""
    return {name: from_said(entry.options, given) for name, entry in SINKS.items()}


def of_sources(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line said to sources, by their options' names."""
    asked = {}
    for options in option_classes():
        for name, said, _ in _written(options):
            if given.get(said.name) is not None:
                asked[name] = checked(given[said.name], said, said.flag)
    return asked


def plan_of(given: Mapping[str, Any]) -> SourcePlan:
    """What holds for every source that has nothing of its own."""
    groups = {name: from_said(options, given) for name, options in PLAN_GROUPS.items()}
    return from_said(SourcePlan, given, given=of_sources(given), **groups)


def to_stdout(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The options, as they are written, that send a sink's lines to the standard output."""
    return tuple(said.flag for said in _of_all_sinks() if said.stdout and given.get(said.name) == "-")


def brought_back() -> tuple[str, ...]:
    """The options, by the names of their values, whose files `--on` brings here."""
    return tuple(said.name for said in _of_all_sinks() if said.brought_back)


def appended() -> tuple[str, ...]:
    """Those of them whose files are appended to."""
    return tuple(said.name for said in _of_all_sinks() if said.appended)


def written_files(sinks: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """What each sink's options, by its name, write at the end of a path, with how the option is spelled."""
    for options in sinks.values():
        for name, said in spelled_in(type(options)).items():
            if said.brought_back:
                yield said.flag, getattr(options, name)


def needed(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The parts of the kit that what was said to sinks needs."""
    return tuple(dict.fromkeys(said.needs for said in _of_all_sinks() if said.needs and given.get(said.name)))


def _of_all_sinks() -> Iterator[Said]:
    for entry in SINKS.values():
        yield from spelled_in(entry.options).values()


def _written(options: type[Any]) -> Iterator[tuple[str, Said, Any]]:
    """Each option's name and how it is written, with what the command line takes where nothing was said."""
    usual = {field.name: field.default for field in fields(options)}
    for name, said in spelled_in(options).items():
        yield name, said, None if said.read is not None else usual[name]
