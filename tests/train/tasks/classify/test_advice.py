"""Advice: each rule speaks where its figures are there, and holds its tongue where they are not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgelens.runtime.decode.classify import softmax
from edgelens.train.report.findings import CurvePoint
from edgelens.train.runs.report import gather
from edgelens.train.runs.run import Run
from edgelens.train.tasks.classify.advice import advise
from edgelens.train.tasks.classify.answers import Answers, answers_of
from edgelens.train.tasks.classify.metrics import measure

CLASSES = tuple("abcd")


def answers(accuracy: float, count: int = 800, sure: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels with this accuracy; wrong answers are as unsure as such an accuracy has them."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    wrong = np.arange(count) < round((1 - accuracy) * count)
    said = np.where(wrong, (labels + draw.integers(1, 4, count)) % 4, labels)
    logits = draw.normal(0, 0.3, (count, 4))
    logits[np.arange(count), said] += np.where(wrong, 0.8, sure)
    return logits.astype(np.float32), labels


@pytest.fixture
def fine(run: Run) -> Answers:
    """A training that nothing is wrong with."""
    return made(answers_of(gather(run)), 0.97, 0.985)


def made(said: Answers, val: float, train: float, **changes: Any) -> Answers:
    """The same training with other answers."""
    logits, labels = changes.pop("val_answers", None) or answers(val)
    probabilities = softmax(logits, 0.9)
    epochs = np.arange(1, 21)
    values = {
        "history": [
            {"epoch": e, "val_loss": 1 / e + 0.1, "val_accuracy": val - 0.3 * np.exp(-e / 2)} for e in epochs.tolist()
        ],
        "steps": [{"step": i, "rate": 0.1, "gradient_norm": 1 + 0.1 * np.sin(i)} for i in range(200)],
        "check": {"counts": {"train": dict.fromkeys(CLASSES, 500)}, "exact": [], "near": [], "unreadable": []},
        "curve": [],
    }
    return changed(
        Answers(
            replace(said.found, classes=CLASSES),
            labels,
            logits,
            probabilities,
            measure(labels, probabilities, CLASSES) | {"calibration_error": 0.01},
            train,
        ),
        **(values | changes),
    )


def changed(said: Answers, **changes: Any) -> Answers:
    """The same with other findings."""
    own = {name: changes.pop(name) for name in ("metrics",) if name in changes}
    return replace(said, found=replace(said.found, **changes), **own)


def kinds(said: Answers) -> set[str]:
    return {one.kind for one in advise(said)}


def test_nothing_wrong_is_said_as_such(fine: Answers) -> None:
    assert kinds(fine) == {"fine"}


def test_over_fitting(fine: Answers) -> None:
    assert "over-fitting" in kinds(made(fine, 0.80, 0.999))
    assert "over-fitting" not in kinds(made(fine, 0.95, 0.97))
    rising = [{"epoch": e, "val_loss": 0.2 + 0.01 * abs(e - 6), "val_accuracy": 0.95} for e in range(1, 21)]
    said = {a.kind: a for a in advise(made(fine, 0.95, 0.99, history=rising))}
    assert "epoch 6 and has risen since" in said["over-fitting"].evidence
    assert any("--patience" in action for action in said["over-fitting"].actions)


def test_under_fitting(fine: Answers) -> None:
    assert "under-fitting" in kinds(made(fine, 0.70, 0.71))
    assert "under-fitting" not in kinds(made(fine, 0.70, 0.95))
    few = {"counts": {"train": dict.fromkeys(CLASSES, 30)}}
    hardly_begun = kinds(made(fine, 0.40, 0.50, check=fine.found.check | few))
    assert "under-fitting" in hardly_begun
    assert not hardly_begun & {"over-fitting", "too-little-data"}, "that cannot be told yet"


def test_more_epochs(fine: Answers) -> None:
    climbing = [{"epoch": e, "val_loss": 1.0, "val_accuracy": 0.5 + 0.02 * e} for e in range(1, 21)]
    assert "more-epochs" in kinds(changed(fine, history=climbing))


def test_leaks_and_labels(fine: Answers) -> None:
    leak = {"names": ["a/1", "a/2"], "splits": ["train", "val"], "labels": ["a", "a"]}
    clash = {"names": ["a/1", "b/2"], "splits": ["train", "train"], "labels": ["a", "b"]}
    assert kinds(changed(fine, check=fine.found.check | {"near": [leak]})) == {"leak"}
    assert kinds(changed(fine, check=fine.found.check | {"exact": [clash]})) == {"label-noise"}


def test_confident_mistakes_point_at_labels(fine: Answers) -> None:
    logits, labels = answers(1.0, sure=9.0)
    noisy = labels.copy()
    noisy[:24] = (noisy[:24] + 1) % 4
    assert "label-noise" in kinds(made(fine, 0.97, 0.98, val_answers=(logits, noisy)))


def test_imbalance(fine: Answers) -> None:
    logits, labels = answers(0.98)
    logits[(labels == 3) & (np.arange(800) % 3 == 0), 0] += 9
    counts = {"train": {"a": 500, "b": 500, "c": 500, "d": 40}}
    rare = made(fine, 0.9, 0.95, val_answers=(logits, labels), check=fine.found.check | {"counts": counts})
    said = {a.kind: a for a in advise(rare)}
    assert "worst is d (40 training images" in said["imbalance"].evidence
    assert "imbalance" not in kinds(made(fine, 0.9, 0.95, val_answers=(logits, labels)))


def test_a_confused_pair_is_named(fine: Answers) -> None:
    logits, labels = answers(1.0)
    logits[(labels == 1) & (np.arange(800) % 5 == 0), 2] += 5
    said = {a.kind: a for a in advise(made(fine, 0.95, 0.97, val_answers=(logits, labels)))}
    assert "b and c" in said["confused-pair"].title


def test_too_little_data(fine: Answers) -> None:
    rising = [CurvePoint(100, 0.6, 0.01), CurvePoint(200, 0.7, 0.01), CurvePoint(400, 0.8, 0.01)]
    flat = [CurvePoint(100, 0.96, 0.01), CurvePoint(200, 0.97, 0.01), CurvePoint(400, 0.972, 0.01)]
    assert "too-little-data" in kinds(changed(fine, curve=rising))
    assert kinds(changed(fine, curve=flat)) == {"fine"}
    assert "too-little-data" not in kinds(changed(made(fine, 0.55, 0.5), curve=rising)), "it lacks steps, not pictures"
    steep = [CurvePoint(100, 0.1, 0.01), CurvePoint(200, 0.4, 0.01), CurvePoint(400, 0.9, 0.01)]
    said = {a.kind: a for a in advise(changed(fine, curve=steep))}["too-little-data"]
    assert "about 10 points" in said.actions[0]
    few = {"counts": {"train": dict.fromkeys(CLASSES, 30)}}
    assert "too-little-data" in kinds(made(fine, 0.85, 0.99, check=fine.found.check | few))


def test_small_validation_calibration_and_unsteadiness(fine: Answers) -> None:
    assert "small-validation" in kinds(made(fine, 0.9, 0.93, val_answers=answers(0.9, 40)))
    assert kinds(changed(fine, metrics=fine.metrics | {"calibration_error": 0.2})) == {"calibration"}
    spiky = [row | ({"gradient_norm": 90.0} if i % 20 == 0 else {}) for i, row in enumerate(fine.found.steps)]
    assert kinds(changed(fine, steps=spiky)) == {"unsteady"}


def test_the_gravest_comes_first(fine: Answers) -> None:
    leaks = [{"names": ["a", "b"], "splits": ["train", "val"], "labels": ["a", "a"]}] * 50
    said = advise(made(fine, 0.90, 0.97, check=fine.found.check | {"near": leaks}))
    assert [a.level for a in said] == sorted((a.level for a in said), key=["bad", "warn", "good"].index)
    assert said[0].kind == "leak"
