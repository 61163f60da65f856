"""A run in a few lines: how good it is, what it confuses, where it was wrongest, what to do next."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Told", "times"]


@dataclass(frozen=True)
class Told:
    """Each line for people, as it stands."""

    score: str  # with its interval
    basis: str  # whose answers that is of
    confused: tuple[str, ...]  # the commonest mistakes first
    worst: tuple[str, ...]  # pictures by name, the surest wrong answer first
    advice: str  # the next best thing to do


def times(count: int) -> str:
    """How often, in words."""
    return "once" if count == 1 else "twice" if count == 2 else f"{count:,} times"
