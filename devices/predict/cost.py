"""What an operator costs: non-negative coefficients of a few features for each kind of work, fitted to networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .operators import Op

__all__ = ["CostModel", "fit_cost", "nnls"]

WORKS = ("conv", "pointwise", "depthwise", "plain conv", "plain pointwise", "plain depthwise", "dense", "elementwise",
         "curve", "pool", "plain pool", "reduce", "move", "free")  # fmt: skip
_TILE = 16  # output channels that a kernel works on at once; what is left over costs as much
_DISTURBED = 0.2
_FLOOR_MS = 0.02  # errors of networks faster than this count absolutely
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CostModel:
    """What operators cost on one machine, engine, precision and thread count."""

    coefficients: Mapping[str, tuple[float, ...]]  # by kind of work, in the order of `_features`
    call_ms: float  # of an inference, whatever is in it
    low: float  # the 80 % interval as factors of the estimate, from kernels left out of the fit
    high: float
    noise: float  # relative half-width of the measurements it was fitted to
    cache_bytes: float

    def each_ms(self, ops: Sequence[Op]) -> list[float]:
        """Milliseconds of each operator of a network, in its company."""
        cold = _cold_share(ops, self.cache_bytes)
        return [float(np.dot(self.coefficients[op.work], _features(op, self.cache_bytes, cold))) for op in ops]

    def network_ms(self, ops: Sequence[Op]) -> float:
        """Milliseconds of one inference."""
        return self.call_ms + sum(self.each_ms(ops))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        rounded = {work: [float(f"{v:.6g}") for v in values] for work, values in self.coefficients.items()}
        return {**self.__dict__, "coefficients": rounded}


def fit_cost(
    networks: Sequence[Sequence[Op]], times_ms: Sequence[float], noise: float, cache_bytes: float
) -> CostModel:
    """The model that fits networks' times best, relative errors counted, and its interval by cross-validation."""
    matrix = np.stack([_row(ops, cache_bytes) for ops in networks])
    times = np.asarray(times_ms, np.float64)
    weights = 1 / (times + _FLOOR_MS)
    for _ in range(3):  # a kernel that something else on the machine disturbed counts less
        error = np.abs(matrix @ _solve(matrix, times, weights) - times) / (times + _FLOOR_MS)
        weights = 1 / (times + _FLOOR_MS) / np.maximum(error / _DISTURBED, 1)
    solution = _solve(matrix, times, weights)
    left_out: list[float] = []
    for fold in range(10):
        kept = np.arange(len(times)) % 10 != fold
        partial = _solve(matrix[kept], times[kept], weights[kept])
        left_out.extend(np.log((times[~kept] + 1e-9) / np.maximum(matrix[~kept] @ partial, 1e-6)))
    low, high = np.exp(np.quantile(left_out, [0.1, 0.9]))
    return _unpacked(solution, float(low), float(high), noise, cache_bytes)


def nnls(matrix: Floats, target: Floats) -> Floats:
    """Non-negative least squares by active sets (Lawson and Hanson)."""
    count = matrix.shape[1]
    passive = np.zeros(count, bool)
    solution = np.zeros(count)
    for _ in range(6 * count):
        gradient = matrix.T @ (target - matrix @ solution)
        gradient[passive] = -np.inf
        best = int(np.argmax(gradient))
        if gradient[best] <= 1e-10:
            break
        passive[best] = True
        while True:
            trial = np.zeros(count)
            trial[passive] = np.linalg.lstsq(matrix[:, passive], target, rcond=None)[0]
            if (trial[passive] > 0).all():
                solution = trial
                break
            bad = passive & (trial <= 0)
            step = np.min(solution[bad] / np.maximum(solution[bad] - trial[bad], 1e-300))
            solution = solution + step * (trial - solution)
            passive &= solution > 1e-15
            solution[~passive] = 0
    return np.asarray(solution)


def _cold_share(ops: Sequence[Op], cache_bytes: float) -> float:
    """How much of the weights is out of the cache again when their turn comes, 0 to 1."""
    held = sum(op.weight_bytes for op in ops)
    return min(max(held / cache_bytes - 1, 0.0), 1.0)


def _features(op: Op, cache_bytes: float, cold: float) -> Floats:
    """What an operator's time is made of; every entry grows with the work."""
    touched = op.moved_bytes + op.weight_bytes
    spilled = max(touched - cache_bytes, 0.0)
    if op.work == "free":
        return np.array([1.0])
    if op.work.endswith("pool"):  # its window is not told; a constant would stand for the windows of the kernels
        return np.array([op.moved_bytes, spilled])
    if op.work in ("elementwise", "curve", "reduce", "move"):
        return np.array([1.0, op.moved_bytes, spilled])
    tiles = np.ceil(op.c_out / _TILE) * _TILE
    padded = op.macs / op.c_out * tiles if not op.work.endswith("depthwise") else op.macs
    gathered = op.pixels * op.window * op.c_in  # what a convolution without its own kernel copies first
    rows = op.pixels * tiles  # written once a pixel, whatever the depth
    return np.array([1.0, op.macs, padded, gathered, rows, op.moved_bytes, op.weight_bytes,
                     op.weight_bytes * cold, spilled])  # fmt: skip


def _sizes() -> dict[str, int]:
    return {work: len(_features(Op("", "", work), 1.0, 0.0)) for work in WORKS}


def _row(ops: Sequence[Op], cache_bytes: float) -> Floats:
    sums = {work: np.zeros(size) for work, size in _sizes().items()}
    cold = _cold_share(ops, cache_bytes)
    for op in ops:
        sums[op.work] = sums[op.work] + _features(op, cache_bytes, cold)
    return np.concatenate([[1.0], *(sums[work] for work in WORKS)])


def _solve(matrix: Floats, times: Floats, weights: Floats) -> Floats:
    scale = np.maximum(np.abs(matrix).max(axis=0), 1e-12)
    scaled = matrix / scale * weights[:, None]
    return np.asarray(nnls(scaled, times * weights) / scale)


def _unpacked(solution: Floats, low: float, high: float, noise: float, cache_bytes: float) -> CostModel:
    coefficients: dict[str, tuple[float, ...]] = {}
    at = 1
    for work, size in _sizes().items():
        coefficients[work] = tuple(float(v) for v in solution[at : at + size])
        at += size
    return CostModel(coefficients, float(solution[0]), low, high, noise, cache_bytes)
