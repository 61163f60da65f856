"""A source in which nothing is ever recognized: said once, since a blind model looks like an empty room."""

from __future__ import annotations

from ..result import Result

__all__ = ["Blanks"]

_PATIENCE = 150  # pictures


class Blanks:
    """Counts each source's pictures until something is recognized in one."""

    def __init__(self) -> None:
        self._blank: dict[str, int] = {}
        self._settled: set[str] = set()

    def hear(self, result: Result) -> str | None:
        """A line for people when a source's first 150 pictures have shown nothing."""
        source = result.frame.source
        if source in self._settled:
            return None
        if any(result.seen.called(row) is not None for row in range(len(result.seen))):
            self._settled.add(source)
            return None
        self._blank[source] = self._blank.get(source, 0) + 1
        if self._blank[source] < _PATIENCE:
            return None
        self._settled.add(source)
        return (
            f"{source}: nothing was recognized in {_PATIENCE} pictures; if something is there, try a lower --threshold,"
            " and `edgelens inspect` to see which pictures the model takes"
        )
