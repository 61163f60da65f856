"""Temperature and the unknown threshold, on logits whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.decode.classify import softmax
from edgelens.train.tasks.classify.calibrate import fitted_temperature, settle_classes, unknown_threshold
from edgelens.train.tasks.classify.metrics import calibration_error


def honest(count: int, spread: float = 1.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is exactly the chance of each label."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(size=(count, 5)) * spread
    chances = softmax(logits)
    labels = (chances.cumsum(1) < draw.random(count)[:, None]).sum(1)
    return logits, labels


@pytest.mark.parametrize("wrong_by", [0.4, 1.0, 3.0])
def test_the_temperature_undoes_what_was_done(wrong_by: float) -> None:
    logits, labels = honest(20000)
    found = fitted_temperature(logits * wrong_by, labels)
    assert found == pytest.approx(wrong_by, rel=0.05)
    assert calibration_error(labels, softmax(logits * wrong_by, found)) < 0.015


def test_a_split_without_a_mistake_gets_no_temperature_of_zero() -> None:
    labels = np.arange(50) % 5
    logits = np.eye(5)[labels] * 8
    assert 0.3 < fitted_temperature(logits, labels) < 3
    assert fitted_temperature(np.zeros((0, 5)), np.zeros(0, int)) == 1.0


def test_the_threshold_keeps_other_things_out() -> None:
    """The last of six classes is everything else; it answers as often as not with one of the five."""
    known, labels = honest(4000, 3.0)
    others, _ = honest(1000, 0.7, seed=1)
    logits = np.concatenate([np.concatenate([part, np.zeros((len(part), 1))], axis=1) for part in (known, others)])
    labels = np.concatenate([labels, np.full(len(others), 5)])
    for rate in (0.01, 0.05, 0.2):
        found = unknown_threshold(logits, labels, temperature=1.0, false_accept_rate=rate, background=[5])
        scores, said = softmax(logits).max(1), logits.argmax(1)
        through = ((scores >= found.score) & (said != 5))[-1000:].mean()
        assert found.false_accepts <= rate
        assert found.false_accepts == pytest.approx(through)
        assert found.false_accepts > rate - 0.002, "a lower threshold would have done"
        assert "1000 images of other things" in found.basis


def test_without_other_things_wrong_answers_are_what_must_stay_out() -> None:
    logits, labels = honest(4000, 3.0)
    found = unknown_threshold(logits, labels, temperature=1.0, false_accept_rate=0.02)
    scores, said = softmax(logits).max(1), logits.argmax(1)
    accepted = scores >= found.score
    assert (said != labels)[accepted].mean() <= 0.02
    assert (said == labels)[accepted].sum() / (said == labels).sum() == pytest.approx(found.kept)
    everything = unknown_threshold(logits, labels, temperature=1.0, false_accept_rate=1.0)
    assert (everything.score, everything.kept) == (0.0, 1.0)
    hopeless = unknown_threshold(-logits, logits.argmax(1), temperature=1.0, false_accept_rate=0.0)
    assert (hopeless.score, hopeless.false_accepts, hopeless.kept) == (0.0, 1.0, 1.0)


def test_one_sure_mistake_on_few_images_does_not_silence_the_network() -> None:
    """Ten of twelve are right, and the surest answer is wrong: it would all be unknown."""
    logits = np.zeros((12, 3))
    logits[:, 0] = np.linspace(6, 2, 12)
    labels = np.array([1, *[0] * 10, 2])
    found = unknown_threshold(logits, labels, temperature=1.0, false_accept_rate=0.05)
    assert (found.score, found.kept) == (0.0, 1.0)
    assert found.false_accepts == pytest.approx(2 / 12)


@pytest.mark.parametrize("count", [60, 400])
def test_right_answers_of_tomorrow_are_kept_before_all(count: int) -> None:
    """A false-accept rate alone would call a third of the right answers unknown; chance is allowed for too."""
    unknown = []
    for seed in range(60):
        logits, labels = honest(count + 2000, 3.0, seed)
        alone = unknown_threshold(logits[:count], labels[:count], temperature=1.0, false_accept_rate=0.0)
        found = unknown_threshold(logits[:count], labels[:count], temperature=1.0, false_accept_rate=0.0, keep=0.95)
        assert found.score <= alone.score
        assert found.kept >= 0.95
        later, truth = softmax(logits[count:]), labels[count:]
        right = later.max(1)[later.argmax(1) == truth]
        unknown.append(float((right < found.score).mean()))
    assert 0.03 < np.mean(unknown) <= 0.05


def test_very_few_right_answers_give_no_threshold() -> None:
    logits, labels = np.eye(3)[np.arange(12) % 3] * np.linspace(1, 4, 12)[:, None], np.arange(12) % 3
    assert unknown_threshold(logits, labels, temperature=1.0, false_accept_rate=0.0, keep=0.95).score == 0.0


def test_a_background_class_is_never_accepted() -> None:
    logits = np.array([[9.0, 0, 0], [0, 9.0, 0], [4.0, 0, 3.9], [0, 0, 9.0]])
    labels = np.array([0, 1, 1, 2])
    found = unknown_threshold(logits, labels, temperature=1.0, false_accept_rate=0.0, background=[1])
    assert 0.5 < found.score < 0.9
    assert found.kept == 1.0


@pytest.mark.parametrize("name", ["nothing", "Other", "none", "empty", "_background_", "unknown"])
def test_what_is_fitted_as_background_is_stored_as_background(name: str) -> None:
    """The device must not announce what the threshold was fitted never to announce."""
    logits, labels = np.eye(3)[np.arange(30) % 3] * 4, np.arange(30) % 3
    settled = settle_classes(logits, labels, ("cat", name, "dog"), 0.05)
    assert settled.decode.background == (name,)
    assert settled.decode.decoder == "classify"
    assert settled.decode.options == {"temperature": pytest.approx(1, abs=0.9), "top_k": 3}
    assert settle_classes(logits, labels, ("cat", "cow", "dog"), 0.05).decode.background == ()
