"""What to expect of a board that nobody measured: a cost model fitted to published latencies, with its interval.

Published networks are sums of kinds of work; a board turns multiply-adds into time by its vectors' width and clock and
moves bytes at its bus's speed. Engines are a factor. What no publication covers is an extrapolation, and wider.
"""

from __future__ import annotations

import collections
import functools
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..profile import Profile, profile_names
from .operators import Op
from .published import KINDS, Processor, TimedNetwork, Work, networks, processor_of

__all__ = ["Interval", "Prior", "fit_prior", "left_out_errors", "prior", "publishers_left_out", "work_of"]

Floats = NDArray[np.float64]
# float multiply-adds a core starts each cycle: the width of its vector units
_WIDTH = {"Cortex-A35": 2.0, "Cortex-A53": 2.0, "Cortex-A55": 2.0, "Cortex-A57": 4.0, "Cortex-A72": 4.0,
          "Cortex-A76": 8.0, "Cortex-A78AE": 8.0, "x86-64": 16.0, "ARMv8-A": 2.0}  # fmt: skip
# Against XNNPACK on the same board, by guest instructions of two of the kit's networks on emulated boards, and by
# milliseconds on x86; nobody published onnxruntime on these boards.
_ONNXRUNTIME = {"float32": 1.4, "int8": 1.2, "int8 dotprod": 2.0}
WIDER = 1.25  # each thing taken for granted widens both ends by this factor


@dataclass(frozen=True)
class Interval:
    """The 80 % interval as factors of an estimate."""

    low: float
    high: float

    def wider(self, times: int) -> Interval:
        """The interval where so many things are taken for granted."""
        return Interval(self.low / WIDER**times, self.high * WIDER**times)


@dataclass(frozen=True)
class Prior:
    """Fitted logarithms of the parameters, and how far estimates of float and 8-bit networks are off."""

    parameters: Floats
    float32: Interval
    int8: Interval

    def estimate(self, work: Work, profile: Profile, engine: str, precision: str, threads: int) -> float:
        """Milliseconds of one inference."""
        # no delegate takes an older file's uint8: TFLite's own kernels run it
        kernels = "tflite-ruy" if engine == "tflite" and precision == "uint8" else engine
        published_as = "tflite" if engine == "onnxruntime" else kernels
        case = (work, processor_of(profile), published_as, precision, threads)
        value = float(_estimate(self.parameters, _table([case]))[0])
        if engine != "onnxruntime":
            return value
        key = "int8 dotprod" if precision == "int8" and "dotprod" in profile.features else precision
        return value * _ONNXRUNTIME.get(key, 1.4)

    def interval(self, precision: str) -> Interval:
        """How far an estimate is off."""
        return self.int8 if precision in _EIGHT else self.float32

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        values = {name: float(f"{v:.6g}") for name, v in zip(_NAMES, np.exp(self.parameters), strict=True)}
        ends = {n: [round(i.low, 5), round(i.high, 5)] for n, i in (("float32", self.float32), ("int8", self.int8))}
        return {"parameters": values, **ends}


def work_of(ops: Sequence[Op], bytes_each: float) -> Work:
    """A model's operators as sums."""
    macs = tuple(sum(op.macs for op in ops if op.work.removeprefix("plain ") == kind) for kind in KINDS)
    moved = sum(op.moved_bytes for op in ops) / bytes_each
    weights = sum(op.weight_bytes for op in ops) / bytes_each
    return Work(macs, moved, weights, float(sum(op.work != "free" for op in ops)))


@functools.lru_cache(maxsize=1)
def prior() -> Prior:
    """The prior of everything that was published, as `benchmarks/devices/priors.py` fitted it: a board is too slow."""
    plain = json.loads((resources.files("edgelens.devices.predict") / "prior.json").read_text("utf-8"))
    parameters = np.log([plain["parameters"][name] for name in _NAMES])
    return Prior(parameters, *(Interval(*plain[name]) for name in ("float32", "int8")))


def fit_prior(points: Sequence[TimedNetwork]) -> Prior:
    """Parameters by damped Gauss-Newton on logarithms, and the intervals.

    Of float networks by leaving out whole boards with whole networks; of 8-bit ones by leaving out whole publishers,
    since kernels differ more between their engines' versions than between boards.
    """
    by_publisher = publishers_left_out(points)
    eight = [error for errors in by_publisher.values() for error in errors]
    return Prior(_fitted(points), _interval(left_out_errors(points)), _interval(eight))


def left_out_errors(points: Sequence[TimedNetwork], only: str | None = None) -> list[float]:
    """log(published / estimated) of every float point (of one board), by a fit without its board and its network."""
    errors: list[float] = []
    known = set(profile_names())  # a phone's figures help the fit, but no phone is asked about
    floats = [point for point in points if point.precision not in _EIGHT and point.board in known]
    for board in [only] if only else sorted({point.board for point in floats}):
        for network in sorted({point.network for point in floats if point.board == board}):
            asked = [p for p in floats if p.board == board and p.network == network]
            seen = [p for p in points if p.board != board and p.network != network]
            if len(seen) < 12 or not {p.engine for p in asked} <= {p.engine for p in seen}:
                continue
            errors.extend(_errors(asked, seen))
    return errors


def publishers_left_out(points: Sequence[TimedNetwork]) -> dict[str, list[float]]:
    """log(published / estimated) of each publisher's 8-bit points, by a fit that saw nothing of that publisher."""
    errors = {}
    for publisher in sorted({point.publisher for point in points if point.precision in _EIGHT}):
        asked = [p for p in points if p.publisher == publisher and p.precision in _EIGHT]
        errors[publisher] = _errors(asked, [p for p in points if p.publisher != publisher])
    return errors


_EIGHT = ("int8", "uint8")
# cycles × width a multiply-add of each kind; cycles × width a value moved; bytes a weight over the bus; ms an operator;
# the share of another thread that counts; XNNPACK against ncnn
_NAMES = (*KINDS, "moved", "fetched", "operator", "thread", "xnnpack",
          # 8 bits against float: of ncnn; of XNNPACK without and with dot products; of depthwise convolutions, beyond
          # that; of values moved; and TFLite's own kernels against XNNPACK, without and with dot products
          "ncnn int8", "int8", "int8 dotprod", "int8 depthwise", "int8 moved", "ruy", "ruy dotprod")  # fmt: skip
_AT = {name: i for i, name in enumerate(_NAMES)}
_START = np.log(np.array([0.6, 1.2, 3.0, 2.0, 2.0, 1.0, 1e-3, 0.8, 0.9, 0.8, 0.4, 0.25, 1.3, 0.4, 1.5, 1.5]))
# how far a parameter may stray, as logs
_TRUST = np.array([0.5, 0.5, 0.8, 0.8, 0.8, 0.8, 1.0, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.4, 0.3, 0.3])


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
    ncnn: NDArray[np.bool_]
    ruy: NDArray[np.bool_]


_Case = tuple[Work, Processor, str, str, int]


def _table(cases: Sequence[_Case]) -> _Table:
    def column(value: Callable[[_Case], float]) -> Floats:
        return np.array([value(case) for case in cases], np.float64)

    return _Table(
        macs=np.array([case[0].macs for case in cases], np.float64),
        moved=column(lambda case: case[0].moved),
        weights=column(lambda case: case[0].weights),
        operators=column(lambda case: case[0].operators),
        width=column(lambda case: _WIDTH.get(case[1].cpu, 4.0)),
        clock=column(lambda case: case[1].clock_mhz * 1e3),
        others=column(lambda case: min(case[4], case[1].cores) - 1),
        bandwidth=column(lambda case: case[1].bandwidth_gbs * 1e6),
        eight=np.array([case[3] in _EIGHT for case in cases]),
        dotprod=np.array([case[1].dotprod for case in cases]),
        ncnn=np.array([case[2] == "ncnn" for case in cases]),
        ruy=np.array([case[2] == "tflite-ruy" for case in cases]),
    )


def _estimate(parameters: Floats, t: _Table) -> Floats:
    p = dict(zip(_NAMES, np.exp(parameters), strict=True))
    eight = np.where(t.ncnn, p["ncnn int8"], np.where(t.dotprod, p["int8 dotprod"], p["int8"]))
    depthwise = np.where(t.eight & ~t.ncnn, p["int8 depthwise"], 1.0)
    compute = sum(p[kind] * t.macs[:, i] * (depthwise if kind == "depthwise" else 1.0) for i, kind in enumerate(KINDS))
    compute = compute * np.where(t.eight, eight, 1.0)
    moving = p["moved"] * t.moved * np.where(t.eight, p["int8 moved"], 1.0)
    shared = (compute + moving) / (t.clock * t.width * (1 + min(p["thread"], 1.0) * t.others))
    fetching = p["fetched"] * t.weights * np.where(t.eight, 1.0, 4.0) / t.bandwidth
    kernels = np.where(t.ruy, np.where(t.dotprod, p["ruy dotprod"], p["ruy"]), 1.0) * np.where(t.ncnn, 1, p["xnnpack"])
    return np.asarray((shared + fetching) * kernels + p["operator"] * t.operators)


def _fitted(points: Sequence[TimedNetwork]) -> Floats:
    target, table = np.log([point.ms for point in points]), _of_points(points)
    weights = _weights(points)
    parameters = _START.copy()

    def residuals(at: Floats) -> Floats:
        return np.concatenate([weights * (np.log(_estimate(at, table)) - target), 0.3 * (at - _START) / _TRUST])

    now = residuals(parameters)
    damping = 1e-2
    for _ in range(25):
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


def _weights(points: Sequence[TimedNetwork]) -> Floats:
    """Many rows of one publisher on one board say less than as many of several."""
    groups = [(point.publisher, point.board, point.precision) for point in points]
    count = collections.Counter(groups)
    plain = np.array([1 / math.sqrt(count[group]) for group in groups])
    return np.asarray(plain / math.sqrt(float(np.mean(plain**2))))


def _errors(asked: Sequence[TimedNetwork], seen: Sequence[TimedNetwork]) -> list[float]:
    errors = np.log([point.ms for point in asked]) - np.log(_estimate(_fitted(seen), _of_points(asked)))
    return [float(value) for value in errors]


def _of_points(points: Sequence[TimedNetwork]) -> _Table:
    return _table([(networks()[p.network], p.processor, p.engine, p.precision, p.threads) for p in points])


def _interval(errors: Iterable[float]) -> Interval:
    low, high = np.quantile(list(errors), [0.1, 0.9])
    return Interval(math.exp(low), math.exp(high))
