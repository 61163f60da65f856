"""The options of sinks, made from the dataclasses that the sinks keep them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from edgelens.cli.options import written_option
from edgelens.runtime.said import Said, from_said, spelled_in
from edgelens.runtime.sinks.catalog import SINKS

__all__ = ["of_sinks", "sink_options", "to_stdout"]

F = Callable[..., Any]


def sink_options(function: F) -> F:
    """Every option of every sink, in the catalog's order."""
    for said, default in reversed(list(_written())):
        function = written_option(said, said.name, default)(function)
    return function


def of_sinks(given: Mapping[str, Any]) -> dict[str, Any]:
    """Each sink's options, by the sink's name, from all that the command line gave."""
    return {name: from_said(entry.options, given) for name, entry in SINKS.items()}


def to_stdout(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The options, as they are written, that send a sink's lines to the standard output."""
    return tuple(said.flag for said, _ in _written() if said.stdout and given.get(said.name) == "-")


def _written() -> Iterator[tuple[Said, Any]]:
    for entry in SINKS.values():
        defaults = {field.name: field.default for field in fields(entry.options)}
        for name, said in spelled_in(entry.options).items():
            yield said, defaults[name]
