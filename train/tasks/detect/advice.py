"""What to try next with a detector: rules from figures to one finding each."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ...report.advice import Advice, advised, share_words
from .seen import Seen

__all__ = ["advise"]

_FEW = 100  # boxes of a class, which more of them help most
_LEARNT = 0.35  # mAP50-95 on training pictures, up to which a detector does not know them
_LARGER = {"lens-det-s": "lens-det-m", "lens-det-m": "lite0"}


def advise(said: Seen) -> list[Advice]:
    """Everything that the figures point at, the most serious first; one encouraging word where they point nowhere."""
    fine = f"mAP50-95 is {_percent(said.metrics['map50_95'])}, close to that of the training images."
    return advised(said.found, (rule(said) for rule in _RULES), fine)


def _small_things(said: Seen) -> Advice | None:
    small, large = (
        said.metrics["by_size"]["small"],
        said.metrics["by_size"]["large"] or said.metrics["by_size"]["medium"],
    )
    if small is None or (small > _LEARNT if large is None else small > 0.7 * large):
        return None
    share = float((said.truth.area() < 32**2).mean())
    if share < 0.1:
        return None
    size = said.found.pixels
    actions = [f"a larger picture: `--size {2 * max(size.height, size.width)}`"]
    if said.found.config.options.finest is None:
        actions.append("a finer stride: `--finest 4`")
    evidence = f"{_percent(share)} of the boxes are small, and their mAP50-95 is {_percent(small)}"
    if large is None:
        return Advice("small", "warn", "All things are small", f"{evidence}.", tuple(actions))
    evidence += f" against {_percent(large)}."
    return Advice("small", "warn", "Small things are found less well", evidence, tuple(actions))


def _few_boxes(said: Seen) -> Advice | None:
    counts = said.found.check.get("counts", {}).get("train", {})
    entries = [entry for entry in said.metrics["classes"] if entry["boxes"] and counts.get(entry["label"])]
    rare = [entry for entry in entries if counts[entry["label"]] < _FEW]
    if not rare:
        return None
    worst = min(rare, key=lambda entry: entry["map50"] or 0.0)
    return Advice(
        "few",
        "warn",
        "There is little to learn from",
        f"{worst['label']} has {_boxes(counts[worst['label']])} to learn from: {_percent(worst['map50'])} mAP50.",
        ("more pictures with it: nothing else helps as much", *_other_starts(said)),
    )


def _boxes(count: int) -> str:
    return f"{count:,} box{'es' if count != 1 else ''}"


def _other_starts(said: Seen) -> tuple[str, ...]:
    """What may be better than random weights, for who began with them."""
    return () if said.found.started else ("start from what has seen the world: `--model lite0`, or `--from RUN`",)


def _over_fitting(said: Seen) -> Advice | None:
    gap = said.train_map - (said.metrics["map50_95"] or 0.0)
    if gap < 0.15:
        return None
    val = _percent(said.metrics["map50_95"])
    evidence = f"mAP50-95 is {_percent(said.train_map)} on training and {val} on validation images."
    recipe = "a stronger recipe: `--augment best`, or `--augment from-above` where no side is up"
    actions = (recipe, "more pictures", *_other_starts(said))
    return Advice("over-fitting", "warn", "It learns the training pictures by heart", evidence, actions)


def _unlabelled(said: Seen) -> Advice | None:
    """Many sure boxes around nothing: things that nobody drew a box around look like that, to who has learnt them."""
    if said.train_map <= _LEARNT:
        return None
    assert said.boxes.scores is not None
    sure = said.false & (said.boxes.scores > 0.6)
    share = float(sure.sum()) / max(len(said.truth.labels), 1)
    if share < 0.05:
        return None
    label = said.classes[int(np.bincount(said.boxes.labels[sure]).argmax())]
    return Advice(
        "unlabelled",
        "warn",
        "Things may have no box",
        f"{int(sure.sum()):,} boxes are found for sure where the data has none, most of them {label}.",
        ("look at the red boxes in the worst pictures below, and draw what is missing",),
    )


def _still_improving(said: Seen) -> Advice | None:
    scores = [row.get("val_map50_95", math.nan) for row in said.found.history]
    if len(scores) < 8:
        return None
    quarter = len(scores) // 4
    gained = float(np.mean(scores[-quarter // 2 :])) - float(np.mean(scores[-2 * quarter : -quarter]))
    if gained < 0.01:
        return None
    evidence = f"The last quarter of {len(scores)} epochs brought {100 * gained:.1f} points of mAP50-95."
    return Advice(
        "more-epochs",
        "warn",
        "It was still getting better when it stopped",
        evidence,
        (f"`--epochs {2 * len(scores)}`",),
    )


def _percent(value: float | None) -> str:
    return share_words(value or 0.0)


def _under_fitting(said: Seen) -> Advice | None:
    if said.train_map > _LEARNT:
        return None
    config = said.found.config
    longer = "more time: `--minutes`" if config.minutes else "more epochs: `--epochs`, or `--recipe best`"
    larger = _LARGER.get(config.model or "")
    actions = (longer, f"a larger network: `--model {larger}`") if larger else (longer,)
    evidence = f"mAP50-95 is {_percent(said.train_map)} even on training images."
    return Advice("under-fitting", "bad", "It has not learnt the training pictures", evidence, actions)


_RULES: tuple[Callable[[Seen], Advice | None], ...] = (
    _under_fitting,
    _over_fitting,
    _few_boxes,
    _small_things,
    _unlabelled,
    _still_improving,
)
