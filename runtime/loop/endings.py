"""What ends with a file: who was in a zone leaves it, and what was to be announced yet is, with its last result."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace

from ..result import Result
from .lane import Lane

__all__ = ["with_endings"]


def with_endings(results: Iterable[Result], lanes: Sequence[Lane]) -> Generator[Result]:
    """The results; of a file in which things are followed each one waits for the next, to learn whether it is the last.

    A camera's are never the last as far as anybody knows.
    """
    ending = {lane.source.name: lane for lane in lanes if not lane.source.live and _follows(lane)}
    last: dict[str, Result] = {}
    for result in results:
        name = result.frame.source
        if name not in ending:
            yield result
            continue
        if name in last:
            yield last[name]
        last[name] = result
    for name, result in last.items():
        yield _ended(ending[name], result)


def _follows(lane: Lane) -> bool:
    return not lane.stills and (lane.watch is not None or lane.follower is not None)


def _ended(lane: Lane, result: Result) -> Result:
    """The last result with all that ends with it; one name can be announced with it, the first that waits."""
    if result.announced is None and (name := lane.announcer.end()) is not None:
        lane.tally.announced[name] += 1
        result = replace(result, announced=name)
    if lane.watch is None:
        return result
    events = (*result.events, *lane.watch.close())
    return replace(result, events=events, watched=lane.watch.standing)
