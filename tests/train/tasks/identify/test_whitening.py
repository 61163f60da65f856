"""The projection in closed form: what differs within an identity counts little, and folds are answered unseen."""

from __future__ import annotations

import numpy as np

from edgelens.runtime.metrics.identification import accepts_of, recognized, unit_rows
from edgelens.train.data.targets import DenseTargets
from edgelens.train.tasks.identify.embedder import WIDTH
from edgelens.train.tasks.identify.whitening import fitted_identities


def shots(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Identities in 20 numbers, and loud light in 20 others."""
    rng = np.random.default_rng(seed)
    ids = np.repeat(np.arange(count), 8)
    who = np.repeat(rng.normal(size=(count, 20)), 8, axis=0) + 0.3 * rng.normal(size=(len(ids), 20))
    light = 4 * rng.normal(size=(len(ids), 4)) @ np.random.default_rng(99).normal(size=(4, 20))
    return np.concatenate([who, light], axis=1).astype(np.float32), ids.astype(np.int64)


def test_identities_that_were_not_seen_are_told_apart_by_what_matters():
    rows, ids = shots(16, 0)
    head = fitted_identities(rows, DenseTargets.of(ids), ids.astype(np.intp) % 4)
    others, whose = shots(12, 7)
    plain = recognized(unit_rows(others), whose)[0]
    projected = others @ head.weights["classifier.weight"].T + head.weights["classifier.bias"]
    assert plain < 0.6
    assert recognized(unit_rows(projected), whose)[0] > 0.95
    assert head.weights["classifier.weight"].shape == (WIDTH, 40)


def test_answers_out_of_fold_can_be_compared_with_one_another():
    rows, ids = shots(16, 1)
    head = fitted_identities(rows, DenseTargets.of(ids), ids.astype(np.intp) % 4)
    found = recognized(unit_rows(head.outputs["embedding"]), ids)[0]
    assert head.outputs["embedding"].shape == (128, WIDTH) and found > 0.9


def test_strangers_come_as_near_as_was_said():
    """Of few identities in many numbers: directions that knew them would part them better than anybody to come."""

    def faint(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        ids = np.repeat(np.arange(count), 6)
        shape = np.exp(-np.arange(300) / 40)  # few numbers tell most
        who = np.repeat(rng.normal(size=(count, 300)) * shape, 6, axis=0)
        return (who + 0.5 * rng.normal(size=(len(ids), 300)) * shape).astype(np.float32), ids.astype(np.int64)

    def limits(rows: np.ndarray, ids: np.ndarray) -> dict[float, float]:
        return dict(accepts_of(unit_rows(rows), ids))

    rows, ids = faint(40, 0)
    head = fitted_identities(rows, DenseTargets.of(ids), ids.astype(np.intp) % 5)
    others, whose = faint(200, 1)
    met = limits(others @ head.weights["classifier.weight"].T + head.weights["classifier.bias"], whose)
    said = limits(head.outputs["embedding"], ids)
    for rate in (0.05, 0.01, 0.001):
        assert abs(said[rate] - met[rate]) < 0.06, (rate, said[rate], met[rate])
