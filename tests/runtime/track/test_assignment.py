"""The solver finds the best pairs there are, not good ones."""

from itertools import permutations

import numpy as np
import pytest

from edgelens.runtime.track.assignment import assign


def best_total(gain: np.ndarray) -> float:
    """The greatest total by trying everything."""
    wide = np.maximum(gain if gain.shape[0] <= gain.shape[1] else gain.T, 0)
    rows = range(wide.shape[0])
    return max(
        sum(wide[row, column] for row, column in zip(rows, chosen, strict=True))
        for chosen in permutations(range(wide.shape[1]), wide.shape[0])
    )


@pytest.mark.parametrize("seed", range(40))
def test_no_other_choice_gains_more(seed):
    random = np.random.RandomState(seed)
    gain = random.rand(*random.randint(1, 7, 2)) - 0.3 * random.rand()
    if seed % 2:
        gain = np.round(gain * 3) / 3  # many that are equal
    rows, columns = assign(gain)
    assert len(set(rows)) == len(rows)
    assert len(set(columns)) == len(columns)
    assert (gain[rows, columns] > 0).all()
    assert gain[rows, columns].sum() == pytest.approx(best_total(gain))


def test_equal_to_scipy_where_everybody_wants_the_same():
    optimize = pytest.importorskip("scipy.optimize")
    random = np.random.RandomState(1)
    for size in (20, 60):
        gain = random.rand(size, size + 7) + np.linspace(0, 3, size + 7)  # all rows want the last columns
        rows, columns = assign(gain)
        there = optimize.linear_sum_assignment(-gain)
        assert gain[rows, columns].sum() == pytest.approx(gain[there].sum())


def test_a_pair_that_gains_nothing_is_none():
    rows, columns = assign(np.array([[0.0, -1.0], [0.0, 0.5]]))
    assert (rows.tolist(), columns.tolist()) == ([1], [1])
    assert [len(each) for each in assign(np.zeros((0, 3)))] == [0, 0]
