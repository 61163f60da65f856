"""Metrics against scikit-learn's, on scores with ties and on classes without images."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as theirs

from edgelens.runtime.decode.classify import softmax
from edgelens.train.tasks.classify import metrics


@pytest.mark.parametrize("digits", [1, 8])  # one digit: many ties
def test_auc_and_average_precision_are_scikit_learns(digits: int) -> None:
    draw = np.random.default_rng(digits)
    truth = draw.random(400) < 0.2
    scores = np.round(draw.random(400) + 0.3 * truth, digits)
    assert metrics.roc_auc(truth, scores) == pytest.approx(theirs.roc_auc_score(truth, scores), abs=1e-12)
    expected = theirs.average_precision_score(truth, scores)
    assert metrics.average_precision(truth, scores) == pytest.approx(expected, abs=1e-12)


def test_measure_agrees_with_scikit_learn_and_is_json() -> None:
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(500, 4)) * 2
    labels = draw.integers(0, 4, 500)
    logits[np.arange(500), labels] += 1.5
    probabilities = softmax(logits)
    said = json.loads(json.dumps(metrics.measure(labels, probabilities, list("abcd")), allow_nan=False))
    assert said["auc"] == pytest.approx(theirs.roc_auc_score(labels, probabilities, multi_class="ovr"))
    assert said["macro"]["f1"] == pytest.approx(theirs.f1_score(labels, probabilities.argmax(1), average="macro"))
    assert said["log_loss"] == pytest.approx(theirs.log_loss(labels, probabilities))
    assert said["top5"] == 1.0
    assert np.sum(said["confusion"]) == 500
    assert len(said["classes"]) == 4


def test_a_class_without_images_is_null_and_does_not_count() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
    said = metrics.measure(np.array([0, 1, 0]), probabilities, ["a", "b", "never"])
    assert said["classes"][2]["auc"] is None
    assert said["auc"] == 1.0
    assert said["macro"]["recall"] == 1.0


def test_calibration_error_of_a_known_case() -> None:
    # 100 answers of .9 confidence, 70 of them right: off by .2
    probabilities = np.tile([0.9, 0.1], (100, 1))
    labels = (np.arange(100) >= 70).astype(int)
    assert metrics.calibration_error(labels, probabilities) == pytest.approx(0.2)
    (only,) = metrics.reliability(labels, probabilities)
    assert (only.count, only.accuracy) == (100, 0.7)
    draw = np.random.default_rng(0)
    confidence = draw.uniform(0.5, 1, 40000)
    honest = np.stack((confidence, 1 - confidence), axis=1)
    assert metrics.calibration_error((draw.random(40000) > confidence).astype(int), honest) < 0.012
