"""Statistics against known distributions: percentiles, noise, and intervals that hold what they promise."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from edgelens.devices.bench.statistics import NOISY, ratio_of_pairs, summarize, t_quantile
from edgelens.devices.bench.timing import alternate


@pytest.mark.parametrize(
    ("confidence", "freedom", "value"), [(0.95, 9, 2.262), (0.99, 7, 3.499), (0.95, 1, 12.706), (0.95, 100_000, 1.960)]
)
def test_students_t(confidence: float, freedom: int, value: float) -> None:
    assert t_quantile(confidence, freedom) == pytest.approx(value, abs=2e-3)


def test_percentiles_and_throughput() -> None:
    steady = summarize(list(range(1, 1001)))
    assert (steady.runs, steady.min, steady.max) == (1000, 1, 1000)
    assert steady.p50 == pytest.approx(500.5)
    assert steady.p99 == pytest.approx(990, abs=1)
    assert steady.throughput == pytest.approx(1000 / 500.5)
    assert steady.quantiles[20] == steady.p50


def test_a_steady_run_is_quiet_and_a_changing_one_is_not() -> None:
    rng = np.random.default_rng(0)
    assert summarize(rng.normal(1.0, 0.05, 2000)).noise < 0.01
    assert summarize(np.repeat(rng.uniform(1, 2, 10), 100)).noise > NOISY
    assert summarize(np.concatenate([np.full(500, 1.0), np.full(500, 1.2)])).drift == pytest.approx(0.2)


def _ratios(rng: np.random.Generator, ratio: float) -> list[list[float]]:
    """Six processes with a bias of their own, loads with one too, and every twelfth of them badly disturbed."""
    own, load = rng.lognormal(0, 0.003, (6, 1)), rng.lognormal(0, 0.008, (6, 3))
    disturbed = np.where(rng.random((6, 3)) < 1 / 12, rng.lognormal(0, 0.15, (6, 3)), 1.0)
    return list(map(list, ratio * own * load * disturbed))


def test_a_ratio_is_seldom_found_where_there_is_none_and_found_where_there_is_one() -> None:
    rng = np.random.default_rng(1)
    false = sum(ratio_of_pairs(_ratios(rng, 1.0)).different for _ in range(300))
    found = sum(ratio_of_pairs(_ratios(rng, 1.05)).different for _ in range(300))
    assert false <= 9
    assert found >= 285


def test_pairs_in_turn_find_what_is_slower() -> None:
    def spin(ms: float) -> Callable[[], None]:
        def run() -> None:
            end = time.perf_counter() + ms / 1e3
            while time.perf_counter() < end:
                pass

        return run

    for b_first in (False, True):
        found = alternate(spin(0.5), spin(0.6), 0.1, b_first=b_first)
        assert found == pytest.approx(1.2, abs=0.04)
