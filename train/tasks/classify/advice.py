"""What to try next with a classifier: rules from figures to one finding each."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgelens.runtime.metrics.interval import percent

from ...report.advice import Advice, advised, share_words
from .answers import Answers

__all__ = ["advise"]

_START = "start from a network that has seen more: `--model lite0`, or `--from RUN`"


def advise(said: Answers) -> list[Advice]:
    """Everything that the figures point at, the most serious first; one encouraging word where they point nowhere."""
    right = percent(said.metrics["accuracy"], said.metrics["images"])
    fine = f"{right} of the validation images are right, close to the training images."
    return advised(said.found, (rule(said) for rule in _RULES), fine)


def _label_noise(said: Answers) -> Advice | None:
    conflicts = [pair for pair in said.found.check.get("exact", ()) if pair["labels"][0] != pair["labels"][1]]
    labels, scores = said.labels, said.probabilities
    named = scores.argmax(1)
    sure = (scores.max(1) > 0.95) & (named != labels) & (scores[np.arange(len(labels)), labels] < 0.02)
    wrong = int((named != labels).sum())
    much = sure.sum() >= 3 and sure.mean() > 0.01 and sure.sum() > 0.25 * wrong
    if not conflicts and not much:
        return None
    parts = []
    if much:
        parts.append(
            f"{int(sure.sum())} validation images ({share_words(float(sure.mean()))}) are answered with more than"
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


def _over_fitting(said: Answers) -> Advice | None:
    gap = said.train_accuracy - said.metrics["accuracy"]
    losses = [row.get("val_loss", math.nan) for row in said.found.history]
    rising = len(losses) >= 5 and losses[-1] > 1.15 * min(losses) and int(np.argmin(losses)) < 0.7 * len(losses)
    clear = gap > max(0.05, 3 * said.metrics["accuracy_error"])
    if _has_not_learnt(said) or not (clear or (rising and gap > 0.02)):
        return None
    config = said.found.config
    actions = []
    if not config.augmentation.startswith("best"):
        actions.append("a stronger recipe: `--recipe best` (or `--augment best`)")
    if not config.options.dropout:
        actions.append("`--dropout 0.2`, or a larger `--l2`")
    if not config.start:
        actions.append(_START)
    actions.append("more pictures, above all of the classes it confuses")
    if rising:
        actions.append(f"stop earlier: `--patience {max(3, len(losses) // 5)}`")
    trained, validated = share_words(said.train_accuracy), share_words(said.metrics["accuracy"])
    evidence = f"{trained} of the training images are right, {validated} of the validation images"
    if rising:
        evidence += f"; the validation loss was lowest in epoch {int(np.argmin(losses)) + 1} and has risen since"
    level = "bad" if gap > 0.15 else "warn"
    return Advice("over-fitting", level, "It learns the training pictures by heart", evidence + ".", tuple(actions))


def _under_fitting(said: Answers) -> Advice | None:
    if not _has_not_learnt(said):
        return None
    config = said.found.config
    actions = ["a larger network: `--width 2`, or another `--model`", "more epochs: `--recipe best`, or `--epochs`"]
    if config.augmentation.startswith(("default", "best")):
        actions.append("weaker augmentation: `--augment quick`")
    if config.options.dropout or (config.l2 or 0) > 0.05 or config.l1:
        actions.append("less regularisation: smaller `--dropout`, `--l2`, `--l1`")
    size = said.found.pixels
    if min(size.height, size.width) <= 64 and config.size is None:
        actions.append(f"larger pictures, if yours have the detail: `--size {2 * min(size.height, size.width)}`")
    return Advice(
        "under-fitting",
        "warn",
        "It has not even learnt the training pictures",
        f"Only {share_words(said.train_accuracy)} of the training images are right, and the validation images are"
        f" hardly worse ({share_words(said.metrics['accuracy'])}).",
        tuple(actions),
    )


def _still_improving(said: Answers) -> Advice | None:
    scores = [row.get("val_accuracy", math.nan) for row in said.found.history]
    if len(scores) < 4:
        return None
    quarter = max(2, len(scores) // 4)
    gained = float(np.mean(scores[-quarter // 2 :])) - float(np.mean(scores[-2 * quarter : -quarter]))
    if gained < max(0.01, 1.5 * said.metrics["accuracy_error"]):
        return None
    epochs = len(scores)
    return Advice(
        "more-epochs",
        "warn",
        "It was still getting better when it stopped",
        f"The last quarter of {epochs} epochs brought {100 * gained:.1f} points.",
        (f"`--epochs {2 * epochs}`", "or a higher `--rate` with a schedule that falls (cosine, one-cycle)"),
    )


def _imbalance(said: Answers) -> Advice | None:
    counts = np.array([said.found.check.get("counts", {}).get("train", {}).get(c, 0) for c in said.classes])
    entries = said.metrics["classes"]
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
        f" {said.classes[worst]} ({counts[worst]:,} training images, {share_words(recalls[worst])} found).",
        (
            "more pictures of the rare classes: nothing else helps as much",
            "`--imbalance balanced`, `weights` or `focal`",
        ),
    )


def _confused_pair(said: Answers) -> Advice | None:
    matrix = np.array(said.metrics["confusion"], float)
    off = matrix + matrix.T
    np.fill_diagonal(off, 0)
    wrong = off.sum() / 2
    if len(matrix) < 3 or wrong < 10:
        return None
    a, b = np.unravel_index(int(off.argmax()), off.shape)
    share = off[a, b] / wrong
    if share < max(0.25, 4 / len(matrix)):
        return None
    names = f"{said.classes[int(a)]} and {said.classes[int(b)]}"
    return Advice(
        "confused-pair",
        "warn",
        f"Half of the work is telling {names} apart" if share >= 0.5 else f"{names} are mixed up most",
        f"{share_words(float(share))} of all mistakes are between these two.",
        ("more pictures of both where they look alike", "make them one class, if the difference does not matter"),
    )


def _too_little_data(said: Answers) -> Advice | None:
    if len(said.found.curve) >= 3:
        first, last = said.found.curve[-2], said.found.curve[-1]
        gained = last.score - first.score
        doublings = math.log2(last.images / first.images)
        if gained / max(doublings, 1e-9) > max(0.01, last.error) and not _has_not_learnt(said):
            more = min(0.7 * gained / doublings, 1 - last.score)
            return Advice(
                "too-little-data",
                "warn",
                "More pictures would help",
                f"From {first.images:,} to {last.images:,} images it gained {100 * gained:.1f} points, and the curve"
                " has not flattened.",
                (f"take more pictures: as many again should bring about {100 * more:.0f} points",),
            )
        return None
    counts = list(said.found.check.get("counts", {}).get("train", {}).values())
    gap = said.train_accuracy - said.metrics["accuracy"]
    if counts and np.median(counts) < 100 and gap > 0.05 and not _has_not_learnt(said):
        return Advice(
            "too-little-data",
            "warn",
            "There may be too few pictures",
            f"A class has {int(np.median(counts))} training images (median).",
            ("`--learning-curve` shows whether more would help", *([] if said.found.config.start else [_START])),
        )
    return None


def _small_validation(said: Answers) -> Advice | None:
    right, images = said.metrics["accuracy"], said.metrics["images"]
    if said.metrics["accuracy_error"] < 0.025:
        return None
    return Advice(
        "small-validation",
        "warn",
        "The score itself is uncertain",
        f"{images:,} validation images say {percent(right, images)}.",
        ("compare trainings by cross-validation (`--folds 5 --fold 0` … `4`), or validate on more (`--val 0.25`)",),
    )


def _calibration(said: Answers) -> Advice | None:
    error = said.metrics["calibration_error"]
    if error < max(0.05, 2 / math.sqrt(max(said.metrics["images"], 1))):
        return None
    return Advice(
        "calibration",
        "warn",
        "Scores do not mean what they say",
        f"Even calibrated, scores are {100 * error:.1f} points off on average.",
        ("`--label-smoothing 0.05` or mixed pictures (`--augment best`) give calmer scores", "validate on more images"),
    )


_RULES: tuple[Callable[[Answers], Advice | None], ...] = (
    _label_noise,
    _over_fitting,
    _under_fitting,
    _still_improving,
    _imbalance,
    _confused_pair,
    _too_little_data,
    _small_validation,
    _calibration,
)


def _has_not_learnt(said: Answers) -> bool:
    """Whether the training images themselves are the trouble: many are wrong, and the others are hardly worse."""
    missed = 1 - said.train_accuracy
    return missed > 0.07 and said.train_accuracy - said.metrics["accuracy"] < max(0.04, 0.35 * missed)
