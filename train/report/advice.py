"""What to try next: rules from figures to one finding each, with its evidence and what would mend it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .findings import Findings

__all__ = ["Advice", "advise"]

_START = "start from a network that has seen more: `--from RUN`, or `--model lens-s --from backbone`"


@dataclass(frozen=True)
class Advice:
    """One finding: its name, how serious, what the figures say, what to do."""

    kind: str
    level: str  # "bad", "warn" or "good"
    title: str
    evidence: str
    actions: tuple[str, ...] = ()  # `options` between backticks


def advise(found: Findings) -> list[Advice]:
    """Everything that the figures point at, the most serious first; one encouraging word where they point nowhere."""
    advice = [said for rule in _RULES if (said := rule(found)) is not None]
    order = {"bad": 0, "warn": 1, "good": 2}
    advice.sort(key=lambda said: order[said.level])
    if not advice:
        accuracy, error = found.metrics["accuracy"], found.metrics["accuracy_error"]
        evidence = f"{_percent(accuracy)} ± {_percent(error)} on the validation images, close to the training images."
        actions = ("evaluate once on a test split, then compress the run and measure it on the device",)
        advice = [Advice("fine", "good", "Nothing in the figures points to a problem", evidence, actions)]
    return advice


def _leaks(found: Findings) -> Advice | None:
    pairs = [*found.check.get("exact", ()), *found.check.get("near", ())]
    across = [pair for pair in pairs if pair["splits"][0] != pair["splits"][1]]
    images = found.metrics["images"]
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


def _label_noise(found: Findings) -> Advice | None:
    conflicts = [pair for pair in found.check.get("exact", ()) if pair["labels"][0] != pair["labels"][1]]
    labels, scores = found.outputs.val_labels, found.probabilities
    named = scores.argmax(1)
    sure = (scores.max(1) > 0.95) & (named != labels) & (scores[np.arange(len(labels)), labels] < 0.02)
    wrong = int((named != labels).sum())
    much = sure.sum() >= 3 and sure.mean() > 0.01 and sure.sum() > 0.25 * wrong
    if not conflicts and not much:
        return None
    parts = []
    if much:
        parts.append(
            f"{int(sure.sum())} validation images ({_percent(float(sure.mean()))}) are answered with more than"
            " 95 % confidence and counted wrong"
        )
    if conflicts:
        parts.append(f"{len(conflicts)} identical pictures carry different labels")
    return Advice(
        "label-noise",
        "bad" if len(conflicts) > 3 or sure.mean() > 0.03 else "warn",
        "Some labels look wrong",
        "; ".join(parts) + ".",
        (
            "look at the mistakes marked “check the label” below and correct the data",
            "until then, `--label-smoothing 0.1` keeps wrong labels from being learnt by heart",
        ),
    )


def _over_fitting(found: Findings) -> Advice | None:
    gap = found.train_accuracy - found.metrics["accuracy"]
    losses = [row.get("val_loss", math.nan) for row in found.history]
    rising = len(losses) >= 5 and losses[-1] > 1.15 * min(losses) and int(np.argmin(losses)) < 0.7 * len(losses)
    clear = gap > max(0.05, 3 * found.metrics["accuracy_error"])
    if _has_not_learnt(found) or not (clear or (rising and gap > 0.02)):
        return None
    config = found.run.config
    actions = []
    if not config.augment.startswith("best"):
        actions.append("a stronger recipe: `--recipe best` (or `--augment best`)")
    if not config.options.dropout:
        actions.append("`--dropout 0.2`, or a larger `--l2`")
    if not config.start:
        actions.append(_START)
    actions.append("more pictures, above all of the classes it confuses")
    if rising:
        actions.append(f"stop earlier: `--patience {max(3, len(losses) // 5)}`")
    evidence = (
        f"{_percent(found.train_accuracy)} of the training images are right, {_percent(found.metrics['accuracy'])}"
    )
    evidence += " of the validation images"
    if rising:
        evidence += f"; the validation loss was lowest in epoch {int(np.argmin(losses)) + 1} and has risen since"
    level = "bad" if gap > 0.15 else "warn"
    return Advice("over-fitting", level, "It learns the training pictures by heart", evidence + ".", tuple(actions))


def _under_fitting(found: Findings) -> Advice | None:
    if not _has_not_learnt(found):
        return None
    config = found.run.config
    actions = ["a larger network: `--width 2`, or another `--model`", "more epochs: `--recipe best`, or `--epochs`"]
    if config.augment.startswith(("default", "best")):
        actions.append("weaker augmentation: `--augment quick`")
    if config.options.dropout or (config.l2 or 0) > 0.05 or config.l1:
        actions.append("less regularisation: smaller `--dropout`, `--l2`, `--l1`")
    size = found.run.pixels
    if min(size.height, size.width) <= 64 and config.size is None:
        actions.append(f"larger pictures, if yours have the detail: `--size {2 * min(size.height, size.width)}`")
    return Advice(
        "under-fitting",
        "warn",
        "It has not even learnt the training pictures",
        f"Only {_percent(found.train_accuracy)} of the training images are right, and the validation images are hardly"
        f" worse ({_percent(found.metrics['accuracy'])}).",
        tuple(actions),
    )


def _still_improving(found: Findings) -> Advice | None:
    scores = [row.get("val_accuracy", math.nan) for row in found.history]
    if len(scores) < 4:
        return None
    quarter = max(2, len(scores) // 4)
    gained = float(np.mean(scores[-quarter // 2 :])) - float(np.mean(scores[-2 * quarter : -quarter]))
    if gained < max(0.01, 1.5 * found.metrics["accuracy_error"]):
        return None
    epochs = len(scores)
    return Advice(
        "more-epochs",
        "warn",
        "It was still getting better when it stopped",
        f"The last quarter of {epochs} epochs brought {100 * gained:.1f} points.",
        (f"`--epochs {2 * epochs}`", "or a higher `--rate` with a schedule that falls (cosine, one-cycle)"),
    )


def _imbalance(found: Findings) -> Advice | None:
    counts = np.array([found.check.get("counts", {}).get("train", {}).get(c, 0) for c in found.run.classes])
    entries = found.metrics["classes"]
    seen = [i for i, entry in enumerate(entries) if entry["images"] > 0 and counts[i] > 0]
    if len(seen) < 2 or counts[seen].max() < 3 * counts[seen].min():
        return None
    rare = [i for i in seen if counts[i] <= counts[seen].max() / 3]
    common = [i for i in seen if i not in rare]
    recalls = {i: entries[i]["recall"] for i in seen}
    behind = float(np.mean([recalls[i] for i in common]) - np.mean([recalls[i] for i in rare]))
    if behind < 0.08:
        return None
    worst = min(rare, key=lambda i: recalls[i])
    return Advice(
        "imbalance",
        "warn",
        "Rare classes do worse",
        f"Classes with few training images are found {100 * behind:.0f} points less often than the others; worst is"
        f" {found.run.classes[worst]} ({counts[worst]:,} training images, {_percent(recalls[worst])} found).",
        (
            "more pictures of the rare classes: nothing else helps as much",
            "`--imbalance balanced`, `weights` or `focal`",
        ),
    )


def _confused_pair(found: Findings) -> Advice | None:
    matrix = np.array(found.metrics["confusion"], float)
    off = matrix + matrix.T
    np.fill_diagonal(off, 0)
    wrong = off.sum() / 2
    if len(matrix) < 3 or wrong < 10:
        return None
    a, b = np.unravel_index(int(off.argmax()), off.shape)
    share = off[a, b] / wrong
    if share < max(0.25, 4 / len(matrix)):
        return None
    names = f"{found.run.classes[int(a)]} and {found.run.classes[int(b)]}"
    return Advice(
        "confused-pair",
        "warn",
        f"Half of the work is telling {names} apart" if share >= 0.5 else f"{names} are mixed up most",
        f"{_percent(float(share))} of all mistakes are between these two.",
        ("more pictures of both where they look alike", "make them one class, if the difference does not matter"),
    )


def _too_little_data(found: Findings) -> Advice | None:
    if len(found.curve) >= 3:
        first, last = found.curve[-2], found.curve[-1]
        gained = last.accuracy - first.accuracy
        doublings = math.log2(last.images / first.images)
        if gained / max(doublings, 1e-9) > max(0.01, last.error) and not _has_not_learnt(found):
            more = min(0.7 * gained / doublings, 1 - last.accuracy)
            return Advice(
                "too-little-data",
                "warn",
                "More pictures would help",
                f"From {first.images:,} to {last.images:,} images it gained {100 * gained:.1f} points, and the curve"
                " has not flattened.",
                (f"take more pictures: as many again should bring about {100 * more:.0f} points",),
            )
        return None
    counts = list(found.check.get("counts", {}).get("train", {}).values())
    gap = found.train_accuracy - found.metrics["accuracy"]
    if counts and np.median(counts) < 100 and gap > 0.05 and not _has_not_learnt(found):
        return Advice(
            "too-little-data",
            "warn",
            "There may be too few pictures",
            f"A class has {int(np.median(counts))} training images (median).",
            ("`--learning-curve` shows whether more would help", *([] if found.run.config.start else [_START])),
        )
    return None


def _small_validation(found: Findings) -> Advice | None:
    error = found.metrics["accuracy_error"]
    if error < 0.025:
        return None
    return Advice(
        "small-validation",
        "warn",
        "The score itself is uncertain",
        f"{found.metrics['images']:,} validation images say {_percent(found.metrics['accuracy'])} ± {_percent(error)}.",
        ("compare trainings by cross-validation (`--folds 5 --fold 0` … `4`), or validate on more (`--val 0.25`)",),
    )


def _calibration(found: Findings) -> Advice | None:
    error = found.metrics["calibration_error"]
    if error < max(0.05, 2 / math.sqrt(max(found.metrics["images"], 1))):
        return None
    return Advice(
        "calibration",
        "warn",
        "Scores do not mean what they say",
        f"Even calibrated, scores are {100 * error:.1f} points off on average.",
        ("`--label-smoothing 0.05` or mixed pictures (`--augment best`) give calmer scores", "validate on more images"),
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
    images = sum(sum(part.values()) for part in found.check.get("counts", {}).values())
    return Advice(
        "unreadable",
        "warn",
        "Some pictures could not be read",
        f"{len(lines):,} beside {images:,} that could were left out.",
        ("see the list under the data check, and replace or remove them",),
    )


_RULES: tuple[Callable[[Findings], Advice | None], ...] = (
    _leaks,
    _label_noise,
    _over_fitting,
    _under_fitting,
    _still_improving,
    _imbalance,
    _confused_pair,
    _too_little_data,
    _small_validation,
    _calibration,
    _unsteady,
    _unreadable,
)


def _has_not_learnt(found: Findings) -> bool:
    """Whether the training images themselves are the trouble: many are wrong, and the others are hardly worse."""
    missed = 1 - found.train_accuracy
    return missed > 0.07 and found.train_accuracy - found.metrics["accuracy"] < max(0.04, 0.35 * missed)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
