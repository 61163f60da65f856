"""The head: the same layer as scikit-learn's, and answers out of fold that nobody flattered."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.train.head.regression import STRENGTHS, regress


def blobs(count: int, features: int, classes: int, apart: float) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    labels = np.arange(count) % classes
    centres = draw.normal(size=(classes, features)) * apart
    rows = centres[labels] + draw.normal(size=(count, features)) + 3
    return rows.astype(np.float32), labels.astype(np.int64)


@pytest.mark.parametrize(("count", "features"), [(60, 200), (300, 20)])
def test_it_is_the_layer_that_scikit_learn_finds(count: int, features: int) -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    rows, labels = blobs(count, features, 4, 0.4)
    found = regress(rows, labels, 4, fold_of=np.arange(count) // 4 % 5)
    mean, spread = rows.mean(0), rows.std(0)
    theirs = linear.LogisticRegression(C=1 / found.strength, tol=1e-8, max_iter=5000).fit(
        (rows - mean) / spread, labels
    )
    ours = rows @ found.weight.T + found.bias
    asked = (rows - mean) / spread @ theirs.coef_.T + theirs.intercept_
    centred = ours - ours.mean(1, keepdims=True) - (asked - asked.mean(1, keepdims=True))
    assert np.abs(centred).max() < 0.02


def test_what_it_says_out_of_fold_is_no_better_than_chance_on_chance() -> None:
    rows, _ = blobs(200, 500, 2, 0)
    labels = np.random.default_rng(1).integers(0, 2, 200)
    found = regress(rows, labels, 2, fold_of=np.arange(200) % 5)
    seen = ((rows @ found.weight.T + found.bias).argmax(1) == labels).mean()
    unseen = (found.out_of_fold.argmax(1) == labels).mean()
    assert 0.35 < unseen < 0.65
    assert seen > unseen
    assert found.strength >= 100  # nothing can be learnt, so little is


def test_a_group_that_repeats_itself_says_nothing_of_the_rest() -> None:
    """Twins on both sides of a fold would promise everything; on one side they promise nothing."""
    draw = np.random.default_rng(2)
    rows = np.repeat(draw.normal(size=(60, 300)), 3, axis=0).astype(np.float32)
    labels = np.repeat(draw.integers(0, 2, 60), 3)
    apart = regress(rows, labels, 2, fold_of=np.repeat(np.arange(60) % 5, 3))
    mixed = regress(rows, labels, 2, fold_of=np.arange(180) % 5)
    assert (apart.out_of_fold.argmax(1) == labels).mean() < 0.7
    assert (mixed.out_of_fold.argmax(1) == labels).mean() > 0.9


def test_weights_make_a_rare_class_count() -> None:
    rows, _ = blobs(220, 5, 2, 0)
    labels = (np.arange(220) >= 200).astype(np.int64)
    rows[labels == 1] += 0.7
    folds = np.arange(220) % 5
    plain = regress(rows, labels, 2, fold_of=folds)
    counted = regress(rows, labels, 2, fold_of=folds, weights=np.array([0.5, 5], np.float32))
    rare = labels == 1
    assert (counted.out_of_fold.argmax(1)[rare] == 1).mean() > (plain.out_of_fold.argmax(1)[rare] == 1).mean() + 0.2


def test_a_feature_that_never_changes_does_no_harm() -> None:
    rows, labels = blobs(80, 30, 2, 1)
    rows[:, 3] = 7
    found = regress(rows, labels, 2, fold_of=np.arange(80) % 5)
    assert np.isfinite(found.weight).all()
    assert (found.out_of_fold.argmax(1) == labels).mean() > 0.9
    assert set(found.losses) == set(STRENGTHS)


def test_many_rows_are_all_fitted_and_answered_though_some_choose_the_strength(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, labels = blobs(600, 20, 4, 0.4)
    every = regress(rows, labels, 4, fold_of=np.arange(600) // 4 % 5)
    monkeypatch.setattr("edgelens.train.head.regression._CHOOSING", 300)
    found = regress(rows, labels, 4, fold_of=np.arange(600) // 4 % 5)
    assert found.losses != every.losses
    assert (found.out_of_fold.argmax(1) == every.out_of_fold.argmax(1)).mean() > 0.97
    said = [(rows @ layer.weight.T + layer.bias).argmax(1) for layer in (found, every)]
    assert (said[0] == said[1]).mean() > 0.97
