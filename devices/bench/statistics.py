"""What a list of times says: percentiles, spread, whether it is too noisy to be compared, and ratios with intervals."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOISY", "Ratio", "Steady", "block_medians", "ratio_of_pairs", "ratio_of_runs", "spread", "summarize",
           "t_quantile"]  # fmt: skip

NOISY = 0.05  # relative half-width of the median's 95 % interval above which two runs cannot be told apart
BLOCKS = 10
_DRAWS = 4000  # of the bootstrap
# What two runs of the same on one machine differ by beyond what their processes tell, as a logarithm's deviation: a
# machine is never quite the same a minute later.
_RUNS_DIFFER = 0.004
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Steady:
    """The steady state of one measurement, in milliseconds."""

    runs: int
    mean: float
    sd: float
    min: float
    p50: float
    p90: float
    p95: float
    p99: float
    max: float
    throughput: float  # inferences a second
    noise: float  # relative half-width of the median's 95 % interval; infinite where the runs are too few to say
    drift: float  # second half's median over the first half's, minus 1
    blocks: tuple[float, ...]  # medians of consecutive tenths
    quantiles: tuple[float, ...]  # 0, 2.5, 5 … 100 %, for plots

    def as_dict(self) -> dict[str, Any]:
        """Plain values, rounded to a nanosecond."""
        plain = asdict(self) | {"noise": self.noise if math.isfinite(self.noise) else None}
        return {key: _rounded(value) for key, value in plain.items()}


def _rounded(value: tuple[float, ...] | float | None) -> list[float] | float | None:
    if isinstance(value, tuple):
        return [round(v, 6) for v in value]
    return None if value is None else round(value, 6)


def summarize(samples_ms: Sequence[float] | Floats, noise: float | None = None) -> Steady:
    """Percentiles, spread and noise of samples in the order they were taken; a noise that is known better stands."""
    samples = np.asarray(samples_ms, np.float64)
    blocks = block_medians(samples)
    half = max(len(samples) // 2, 1)
    p50, p90, p95, p99 = (float(value) for value in np.percentile(samples, [50, 90, 95, 99]))
    mean = float(samples.mean())
    return Steady(
        runs=len(samples),
        mean=mean,
        sd=float(samples.std(ddof=1)) if len(samples) > 1 else 0.0,
        min=float(samples.min()),
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
        max=float(samples.max()),
        throughput=1e3 / mean,
        noise=_noise(blocks, p50) if noise is None else noise,
        drift=float(np.median(samples[half:] if len(samples) > 1 else samples) / np.median(samples[:half])) - 1,
        blocks=tuple(float(value) for value in blocks),
        quantiles=tuple(float(value) for value in np.percentile(samples, np.arange(0, 100.1, 2.5))),
    )


def block_medians(samples: Floats, blocks: int = BLOCKS) -> Floats:
    """Medians of consecutive parts: neighbouring samples are not independent, parts nearly are."""
    return np.array([np.median(part) for part in np.array_split(samples, min(blocks, len(samples)))])


def spread(values: Sequence[float]) -> float:
    """Relative half-width of the 95 % interval of the mean of some processes' times."""
    if len(values) < 3:
        return math.inf
    logs = np.log(values)
    return math.expm1(t_quantile(0.95, len(logs) - 1) * float(logs.std(ddof=1)) / math.sqrt(len(logs)))


def _noise(blocks: Floats, median: float) -> float:
    if len(blocks) < 3:
        return math.inf
    return float(t_quantile(0.95, len(blocks) - 1) * blocks.std(ddof=1) / math.sqrt(len(blocks)) / median)


@dataclass(frozen=True)
class Ratio:
    """How many times as long B takes as A, with the interval that holds the truth at this confidence."""

    ratio: float
    low: float
    high: float
    confidence: float
    processes: int

    @property
    def different(self) -> bool:
        """Whether 1 lies outside the interval."""
        return not self.low <= 1.0 <= self.high


def ratio_of_pairs(ratios: Sequence[Sequence[float]], confidence: float = 0.99, seed: int = 0) -> Ratio:
    """B over A from what each load in each process found, by a bootstrap over the processes' medians.

    Loads of one process may share what makes them differ, so processes are what is drawn anew; a bootstrap of few of
    them is too narrow, and the interval is widened as Student's t widens a normal one.
    """
    rng = np.random.default_rng(seed)
    logs = np.array([np.median(np.log(np.asarray(process, np.float64))) for process in ratios])
    count, centre = len(logs), float(logs.mean())
    means = rng.choice(logs, (_DRAWS, count)).mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    wider = t_quantile(confidence, count - 1) / t_quantile(confidence, 10_000) * math.sqrt(count / max(count - 1, 1))
    return Ratio(
        ratio=math.exp(centre),
        low=math.exp(centre - (centre - float(low)) * wider),
        high=math.exp(centre + (float(high) - centre) * wider),
        confidence=confidence,
        processes=count,
    )


def ratio_of_runs(
    old: Sequence[float], new: Sequence[float], confidence: float = 0.95, *, unsure: float = 0.0
) -> Ratio:
    """The new run over the old one, from what each of their processes took: Welch's interval of the logarithms.

    Processes of one model differ by where it lies in memory; a run of one process says nothing of that. What else is
    unsure, as a logarithm, widens the interval on both sides.
    """
    logs = [np.log(np.asarray(part, np.float64)) for part in (old, new)]
    centre = float(logs[1].mean() - logs[0].mean())
    counts = [len(part) for part in logs]
    if min(counts) < 2:
        return Ratio(math.exp(centre), 0.0, math.inf, confidence, min(counts))
    errors = [float(part.var(ddof=1)) / len(part) for part in logs]
    total = max(sum(errors), 1e-12)
    freedom = total**2 / max(sum(e**2 / (n - 1) for e, n in zip(errors, counts, strict=True)), 1e-30)
    half = math.hypot(t_quantile(confidence, round(freedom, 1)) * math.sqrt(total), 2 * math.sqrt(2) * _RUNS_DIFFER)
    half += unsure
    return Ratio(math.exp(centre), math.exp(centre - half), math.exp(centre + half), confidence, min(counts))


@functools.lru_cache(maxsize=256)
def t_quantile(confidence: float, freedom: float) -> float:
    """Student's two-sided quantile by bisection on its integrated density; scipy is not on the device."""
    if freedom < 1:
        return math.inf
    low, high = 0.0, 700.0
    for _ in range(60):
        middle = (low + high) / 2
        if _t_inside(middle, freedom) < confidence:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_inside(limit: float, freedom: float) -> float:
    """The probability of |t| below a limit, by Simpson's rule in the angle atan(t / √freedom)."""
    steps = 400
    angle = math.atan(limit / math.sqrt(freedom))
    grid = np.cos(np.linspace(0, angle, steps + 1)) ** (freedom - 1)
    weights = np.ones(steps + 1)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    area = float((grid * weights).sum()) * angle / steps / 3
    scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(math.pi)
    return 2 * area * math.exp(scale)
