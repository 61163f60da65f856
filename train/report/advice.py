"""What to try next: findings with their evidence and what would mend them; those that every task can have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from .findings import Findings

__all__ = ["Advice", "advised", "share_words"]


@dataclass(frozen=True)
class Advice:
    """One finding: its name, how serious, what the figures say, what to do."""

    kind: str
    level: str  # "bad", "warn" or "good"
    title: str
    evidence: str
    actions: tuple[str, ...] = ()  # `options` between backticks


def _general(found: Findings) -> list[Advice]:
    """What data and gradients point at, whatever the task."""
    return [said for rule in _RULES if (said := rule(found)) is not None]


def advised(found: Findings, own: Iterable[Advice | None], fine: str) -> list[Advice]:
    """What a task's own rules say and what every task can have, the gravest first; `fine` where that is nothing."""
    advice = _gravest_first([*_general(found), *(one for one in own if one is not None)])
    if not advice:
        actions = ("evaluate once on a test split, then compress the run and measure it on the device",)
        advice = [Advice("fine", "good", "Nothing in the figures points to a problem", fine, actions)]
    return advice


def share_words(share: float) -> str:
    """A share in per cent."""
    return f"{100 * share:.1f} %"


def _gravest_first(advice: Iterable[Advice]) -> list[Advice]:
    """The most serious first."""
    order = {"bad": 0, "warn": 1, "good": 2}
    return sorted(advice, key=lambda said: order[said.level])


def _leaks(found: Findings) -> Advice | None:
    pairs = [*found.check.get("exact", ()), *found.check.get("near", ())]
    across = [pair for pair in pairs if pair["splits"][0] != pair["splits"][1]]
    images = len(found.val_targets)
    if not across:
        return None
    level = "bad" if len(across) > 0.01 * images else "warn"
    return Advice(
        "leak",
        level,
        "Pictures that train also validate",
        f"{len(across):,} pairs of (nearly) the same picture lie in different splits; the score is flattered.",
        (
            "remove the copies, or keep pictures that belong together on one side with `--group` or `--groups`",
            "then train again: only that score can be believed",
        ),
    )


def _unsteady(found: Findings) -> Advice | None:
    norms = np.array([row.get("gradient_norm", math.nan) for row in found.steps])
    norms = norms[np.isfinite(norms)]
    if len(norms) < 20:
        return None
    spikes = int((norms > 20 * np.median(norms)).sum())
    if spikes < max(3, 0.01 * len(norms)):
        return None
    return Advice(
        "unsteady",
        "warn",
        "The training is unsteady",
        f"The gradient jumped to more than 20 times its usual size {spikes} times.",
        ("`--clip 1`", "a smaller `--rate`, or a longer `--warmup`"),
    )


def _unreadable(found: Findings) -> Advice | None:
    lines = found.check.get("unreadable", ())
    if not lines:
        return None
    images = sum(found.source.get("images", {}).values())
    return Advice(
        "unreadable",
        "warn",
        "Some pictures could not be read",
        f"{len(lines):,} beside {images:,} that could were left out.",
        ("see the list under the data check, and replace or remove them",),
    )


_RULES: tuple[Callable[[Findings], Advice | None], ...] = (_leaks, _unsteady, _unreadable)
