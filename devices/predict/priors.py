"""What to expect of a board that nobody measured: a cost model fitted to published latencies, with its interval.

Published networks are sums of kinds of work; a board turns multiply-adds into time by its vectors' width and clock and
moves bytes at its bus's speed. Engines are a factor. What no publication covers is marked as an extrapolation.
"""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from ..profile import Profile, load_profile
from .operators import Op

__all__ = ["TimedNetwork", "Prior", "Work", "fit_prior", "networks", "prior", "published", "work_of"]

Floats = NDArray[np.float64]
KINDS = ("conv", "pointwise", "depthwise", "dense")
# float multiply-adds a core starts each cycle: the width of its vector units
_WIDTH = {"Cortex-A35": 2.0, "Cortex-A53": 2.0, "Cortex-A57": 4.0, "Cortex-A72": 4.0, "Cortex-A76": 8.0,
          "Cortex-A78AE": 8.0, "x86-64": 16.0, "ARMv8-A": 2.0}  # fmt: skip
# Against XNNPACK on the same board, by guest instructions of two of the kit's networks on emulated boards, and by
# milliseconds on x86; nobody published onnxruntime on these boards.
_ONNXRUNTIME = {"float32": 1.4, "int8": 1.2, "int8 dotprod": 2.0}


@dataclass(frozen=True)
class Work:
    """A network as sums: multiply-adds by kind, values moved, weights, operators."""

    macs: tuple[float, ...]  # in the order of KINDS
    moved: float
    weights: float
    operators: float


@dataclass(frozen=True)
class TimedNetwork:
    """One published latency."""

    board: str
    mhz: int
    network: str
    engine: str
    precision: str
    threads: int
    ms: float
    source: str


@dataclass(frozen=True)
class Prior:
    """Fitted logarithms of the parameters, and the 80 % interval as factors."""

    parameters: Floats
    low: float
    high: float

    def estimate(self, work: Work, profile: Profile, engine: str, precision: str, threads: int) -> float:
        """Milliseconds of one inference."""
        published_as = "tflite" if engine == "onnxruntime" else engine
        value = float(_estimate(self.parameters, _table([(work, profile, published_as, precision, threads)]))[0])
        if engine != "onnxruntime":
            return value
        key = "int8 dotprod" if precision == "int8" and "dotprod" in profile.features else precision
        return value * _ONNXRUNTIME.get(key, 1.4)


def published() -> list[TimedNetwork]:
    """Every published latency with its source."""
    text = (resources.files("edgelens.devices.predict") / "published.csv").read_text("utf-8")
    return [
        TimedNetwork(
            row["board"],
            int(row["mhz"]),
            row["network"],
            row["engine"],
            row["precision"],
            int(row["threads"]),
            float(row["ms"]),
            row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    ]


@functools.lru_cache(maxsize=1)
def networks() -> Mapping[str, Work]:
    """What the published networks consist of."""
    text = (resources.files("edgelens.devices.predict") / "published_networks.csv").read_text("utf-8")
    return {
        row["network"]: Work(
            tuple(float(row[kind]) for kind in KINDS),
            float(row["moved"]),
            float(row["weights"]),
            float(row["operators"]),
        )
        for row in csv.DictReader(text.splitlines())
    }


def work_of(ops: Sequence[Op], bytes_each: float) -> Work:
    """A model's operators as sums."""
    macs = tuple(sum(op.macs for op in ops if op.work.removeprefix("plain ") == kind) for kind in KINDS)
    moved = sum(op.moved_bytes for op in ops) / bytes_each
    weights = sum(op.weight_bytes for op in ops) / bytes_each
    return Work(macs, moved, weights, float(sum(op.work != "free" for op in ops)))


@functools.lru_cache(maxsize=1)
def prior() -> Prior:
    """The prior of everything that was published."""
    return fit_prior(published())


def fit_prior(points: Sequence[TimedNetwork], *, interval: bool = True) -> Prior:
    """Parameters by damped Gauss-Newton on logarithms; the interval by leaving out whole boards with whole networks."""
    parameters = _fitted(points)
    if not interval:
        return Prior(parameters, 1.0, 1.0)
    errors = left_out_errors(points)
    low, high = np.quantile(errors, [0.1, 0.9])
    return Prior(parameters, math.exp(low), math.exp(high))


def left_out_errors(points: Sequence[TimedNetwork], only: str | None = None) -> list[float]:
    """log(published / estimated) of every point (of one board), by a fit that saw neither its board nor its network."""
    errors: list[float] = []
    for board in [only] if only else sorted({point.board for point in points}):
        for network in sorted({point.network for point in points if point.board == board}):
            asked = [p for p in points if p.board == board and p.network == network]
            seen = [p for p in points if p.board != board and p.network != network]
            if len(seen) < 12 or not {p.engine for p in asked} <= {p.engine for p in seen}:
                continue
            parameters = _fitted(seen)
            found = _estimate(parameters, _table([_row(point) for point in asked]))
            errors.extend(float(v) for v in np.log([point.ms for point in asked]) - np.log(found))
    return errors


# cycles × width a multiply-add of each kind; cycles × width a value moved; bytes a weight over the bus; ms an operator;
# int8 against float without and with dot products; XNNPACK against ncnn; the share of another thread that counts
_START = np.log(np.array([0.6, 1.2, 3.0, 2.0, 2.0, 1.0, 1e-3, 0.8, 0.5, 0.9, 0.8]))
_TRUST = np.array([0.5, 0.5, 0.8, 0.8, 0.8, 0.8, 1.0, 0.3, 0.3, 0.3, 0.3])  # how far a parameter may stray, as logs


@dataclass(frozen=True)
class _Table:
    """What `_estimate` needs of some cases, one row each."""

    macs: Floats  # (N, 4)
    moved: Floats
    weights: Floats
    operators: Floats
    width: Floats
    clock: Floats  # cycles a millisecond
    others: Floats  # threads beyond the first
    bandwidth: Floats  # bytes a millisecond
    eight: NDArray[np.bool_]
    dotprod: NDArray[np.bool_]
    xnnpack: NDArray[np.bool_]


def _table(cases: Sequence[tuple[Work, Profile, str, str, int]]) -> _Table:
    def column(values: Sequence[float]) -> Floats:
        return np.array(values, np.float64)

    return _Table(
        macs=np.array([work.macs for work, *_ in cases], np.float64),
        moved=column([work.moved for work, *_ in cases]),
        weights=column([work.weights for work, *_ in cases]),
        operators=column([work.operators for work, *_ in cases]),
        width=column([_WIDTH.get(profile.cpu, 4.0) for _, profile, *_ in cases]),
        clock=column([profile.clock_mhz * 1e3 for _, profile, *_ in cases]),
        others=column([min(threads, profile.cores) - 1 for _, profile, _, _, threads in cases]),
        bandwidth=column([profile.bandwidth_gbs * 1e6 for _, profile, *_ in cases]),
        eight=np.array([precision in ("int8", "uint8") for *_, precision, _ in cases]),
        dotprod=np.array(["dotprod" in profile.features for _, profile, *_ in cases]),
        xnnpack=np.array([engine == "tflite" for _, _, engine, *_ in cases]),
    )


def _row(point: TimedNetwork) -> tuple[Work, Profile, str, str, int]:
    profile = replace(load_profile(point.board), clock_mhz=point.mhz)
    return networks()[point.network], profile, point.engine, point.precision, point.threads


def _estimate(parameters: Floats, t: _Table) -> Floats:
    p = np.exp(parameters)
    vectors = t.clock * t.width
    compute = t.macs @ p[:4] / (vectors * (1 + min(p[10], 1.0) * t.others))
    compute = compute * np.where(t.eight, np.where(t.dotprod, p[8], p[7]), 1.0)
    moving = p[4] * t.moved * np.where(t.eight, 0.5, 1.0) / vectors
    fetching = p[5] * t.weights * np.where(t.eight, 1.0, 4.0) / t.bandwidth
    return np.asarray((compute + moving + fetching) * np.where(t.xnnpack, p[9], 1.0) + p[6] * t.operators)


def _fitted(points: Sequence[TimedNetwork]) -> Floats:
    target = np.log([point.ms for point in points])
    table = _table([_row(point) for point in points])
    parameters = _START.copy()

    def residuals(at: Floats) -> Floats:
        return np.asarray(np.concatenate([np.log(_estimate(at, table)) - target, 0.3 * (at - _START) / _TRUST]))

    now = residuals(parameters)
    damping = 1e-2
    for _ in range(15):
        steps = 1e-4 * np.eye(len(parameters))
        jacobian = np.stack([(residuals(parameters + step) - now) / 1e-4 for step in steps], axis=1)
        normal = jacobian.T @ jacobian + damping * np.eye(len(parameters))
        trial = parameters - np.linalg.solve(normal, jacobian.T @ now)
        after = residuals(trial)
        if after @ after < now @ now:
            parameters, now, damping = trial, after, damping / 3
        else:
            damping *= 10
    return np.asarray(parameters)
