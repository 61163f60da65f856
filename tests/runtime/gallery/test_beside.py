"""Taught classes beside trained ones: two ways to solve one regression, of which many pictures take the small one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgelens.runtime.gallery.beside import beside, by_columns, by_rows

WIDTH, NAMES, LEARNED = 24, 5, 20


def unit_rows(count: int, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, WIDTH))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("count", [LEARNED + 3, 90])
def test_both_ways_say_the_same(count: int) -> None:
    rng = np.random.default_rng(1)
    rows, ridge = unit_rows(count), rng.uniform(1e-3, 0.1, count)
    owner = np.concatenate([np.full(LEARNED, NAMES), rng.integers(0, NAMES, count - LEARNED)])
    said = [solved(rows, owner, ridge, NAMES + 1, LEARNED) for solved in (by_rows, by_columns)]
    for one, other in zip(*said, strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    left = np.arange(1, count)  # without the first row, and then asked for it
    weights, _ = by_columns(rows[left], owner[left], ridge[left], NAMES + 1, 0)
    asked = rows[0] @ weights[:-1] + np.sqrt(0.1) * weights[-1]
    assert said[1][1][0] == pytest.approx(asked, abs=1e-6)


def test_many_taught_pictures_make_no_larger_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is solved while the camera waits: as many equations as pictures took seconds and gigabytes."""
    solved, inverted = [], np.linalg.inv
    monkeypatch.setattr("numpy.linalg.inv", lambda system: solved.append(len(system)) or inverted(system))
    head = beside(unit_rows(600), unit_rows(2000, 1), np.arange(2000) % 80, 80, 0.01)
    assert solved == [WIDTH + 1] and head.weights.shape == (WIDTH, 81) and np.isfinite(head.weights).all()
    beside(unit_rows(6), unit_rows(4, 1), np.arange(4), 4, 0.01)
    assert solved[1:] == [10]
