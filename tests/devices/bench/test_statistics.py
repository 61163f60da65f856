"""Statistics against known distributions: percentiles, noise, and intervals that hold what they promise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgelens.devices.bench.statistics import NOISY, ratio_of_pairs, ratio_of_runs, spread, summarize, t_quantile
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


class Machine:
    """A clock that runs only while something works, on a machine that slows down and is interrupted now and then."""

    def __init__(self, seed: int) -> None:
        self._now_ns, self._chance = 0.0, np.random.default_rng(seed)

    def perf_counter_ns(self) -> int:
        return int(self._now_ns)

    def perf_counter(self) -> float:
        return self._now_ns / 1e9

    def work(self, ms: float) -> Callable[[], None]:
        """A call that takes so long on the machine when it is fresh and left alone."""

        def run() -> None:
            slower = 1 + 0.5 * min(self.perf_counter(), 1)
            interrupted = 4 * self._chance.random() if self._chance.random() < 0.2 else 0
            self._now_ns += (ms * slower * self._chance.normal(1, 0.01) + interrupted) * 1e6

        return run


@pytest.mark.parametrize("b_first", [False, True])
@pytest.mark.parametrize("ratio", [0.8, 1.0, 1.2])
def test_pairs_in_turn_find_what_is_slower(ratio: float, b_first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(3):
        machine = Machine(seed)
        monkeypatch.setattr("edgelens.devices.bench.timing.time", machine)
        found = alternate(machine.work(0.5), machine.work(0.5 * ratio), 1.0, b_first=b_first)
        assert found == pytest.approx(ratio, rel=0.03)


def _run(rng: np.random.Generator, ratio: float, processes: int = 5) -> list[float]:
    """What a run's processes take: each lies elsewhere in memory, and the machine is a little another one each time."""
    return list(ratio * rng.lognormal(0, 0.003) * rng.lognormal(0, 0.012, processes))


def test_separate_runs_are_seldom_told_apart_where_they_are_equal_and_are_where_they_differ() -> None:
    rng = np.random.default_rng(3)
    false = sum(ratio_of_runs(_run(rng, 1.0), _run(rng, 1.0)).different for _ in range(300))
    found = sum(ratio_of_runs(_run(rng, 1.0), _run(rng, 1.05)).different for _ in range(300))
    assert false <= 18
    assert found >= 285


def test_a_single_process_tells_nothing_of_another_run() -> None:
    alone = ratio_of_runs([1.0], [3.0])
    assert (alone.ratio, alone.different) == (pytest.approx(3.0), False)


def test_the_spread_of_processes_is_the_noise_of_a_measurement() -> None:
    assert spread([1.0, 1.0, 1.0]) == pytest.approx(0, abs=1e-9)
    assert spread([1.0, 1.3, 0.8]) > NOISY
    assert spread([1.0, 1.0]) == float("inf")
    assert summarize([1.0]).as_dict()["noise"] is None  # JSON knows no infinity
