"""Classification metrics against scikit-learn and against counts made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.metrics.classification import accuracy, average, class_scores, confusion_matrix, top_k_accuracy

sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is what these metrics are held against")


@pytest.fixture
def guesses():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 6, 500)
    scores = rng.random((500, 7))  # class 6 never occurs
    scores[np.arange(500), labels] += 0.4
    return labels, scores


def test_class_scores_and_means_agree_with_scikit_learn(guesses):
    labels, scores = guesses
    predicted = scores.argmax(1)
    ours = class_scores(labels, predicted, 7)
    theirs = sk.precision_recall_fscore_support(labels, predicted, labels=range(7), zero_division=0)
    for mine, reference in zip((ours.precision, ours.recall, ours.f1, ours.support), theirs, strict=True):
        np.testing.assert_allclose(mine, reference)
    for how in ("macro", "weighted"):
        reference = sk.precision_recall_fscore_support(labels, predicted, labels=range(6), average=how, zero_division=0)
        assert list(average(ours, how).values()) == pytest.approx(reference[:3])


def test_confusion_and_top_k_agree_with_scikit_learn(guesses):
    labels, scores = guesses
    np.testing.assert_array_equal(
        confusion_matrix(labels, scores.argmax(1), 7), sk.confusion_matrix(labels, scores.argmax(1), labels=range(7))
    )
    assert top_k_accuracy(labels, scores, 3) == pytest.approx(
        sk.top_k_accuracy_score(labels, scores, k=3, labels=range(7))
    )


def test_ties_go_to_the_lower_class_and_few_classes_leave_top_5_at_one():
    labels = np.array([0, 1])
    assert top_k_accuracy(labels, np.ones((2, 2)), 1) == 0.5
    assert top_k_accuracy(labels, np.ones((2, 2)), 5) == 1.0


def test_nothing_and_never_predicted_are_zero_not_nan():
    assert accuracy(np.array([]), np.array([])) == 0.0
    scores = class_scores(np.array([0, 0]), np.array([-1, -1]), 2)
    assert scores.f1.tolist() == [0, 0]
    assert average(class_scores(np.empty(0, int), np.empty(0, int), 2), "macro")["f1"] == 0.0
