"""How large a picture a network may look at to be quick enough on a board, predicted before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..profile import Profile
from .priors import prior
from .published import KINDS, Work, networks

__all__ = ["largest_side"]

_PUBLISHED = 224  # pixels a side that the published networks look at


def largest_side(
    network: str,
    profile: Profile,
    most_ms: float,
    sides: Sequence[int],
    *,
    threads: int = 1,
    beside: float = 1.0,
) -> tuple[int, float]:
    """The largest of some sides (the last where none is quick enough) at which a published network takes at most so
    long on a board, by its best engine and in 8 bits, and how long, in milliseconds; `beside` times as long with what
    stands on it."""
    work, estimate = networks()[network], prior().estimate
    for side in sides:
        ms = beside * estimate(_at(work, side), profile, profile.best_engine, "int8", threads)
        if ms <= most_ms:
            break
    return side, ms


def _at(work: Work, side: int) -> Work:
    """A network's work on a picture of another size: only what it does once a picture stays."""
    share = (side / _PUBLISHED) ** 2
    macs = tuple(each if kind == "dense" else each * share for kind, each in zip(KINDS, work.macs, strict=True))
    return replace(work, macs=macs, moved=work.moved * share)
