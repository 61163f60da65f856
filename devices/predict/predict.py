"""A model's latency on a board that is not here: from that board's calibration where there is one, else from priors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgelens.runtime.formats.catalog import describe
from edgelens.version import __version__

from ..bench.cases import Case, Selection, cases_of
from ..here import this_machine
from ..profile import Profile, load_profile
from .calibrate import calibrated_board, load_calibration, saved_calibration
from .cost import CostModel
from .operators import Op, operators_of
from .priors import Interval, Prior, prior, work_of
from .published import networks, published

__all__ = ["SCHEMA", "predict"]

SCHEMA = 1


@dataclass(frozen=True)
class _Board:
    """Whom a prediction is for, and what is known of it."""

    profile: Profile
    calibration: dict[str, CostModel]
    basis: str


def predict(models: Sequence[str], device: str, choice: Selection, folder: Path, *, most: int = 10) -> dict[str, Any]:
    """Estimates with 80 % intervals and the `most` of the operators; `device` is a profile, `here` or a calibration."""
    board = _board(device)
    threads = choice.threads or tuple(dict.fromkeys((1, board.profile.cores)))
    rows = []
    for model in models:
        for case in cases_of(
            model, Selection(choice.engine, choice.precision, (1,), options=choice.options), 1, folder
        ):
            data = Path(case.target.path).read_bytes()
            ops = operators_of(data, case.target.path, case.target.engine, case.target.shape)
            precision = _kernels(data, case)
            rows += [_row(case, ops, precision, count, board, most=most) for count in threads]
    return {
        "schema": SCHEMA,
        "kind": "prediction",
        "kit": __version__,
        "device": board.profile.name,
        "processor": "CPU",
        "not_predicted": _accelerators(board.profile),
        "basis": board.basis,
        "sources": [] if board.calibration else sorted({point.source for point in published()}),
        "cases": rows,
    }


def _board(device: str) -> _Board:
    if device.endswith(".json"):
        path = Path(device)
        fits = load_calibration(path)
        return _Board(calibrated_board(path), fits, f"calibration {path}")
    profile = load_profile(this_machine().profile if device == "here" else device)
    path = saved_calibration(profile.name)
    if path.exists():
        return _Board(profile, load_calibration(path), f"calibration {path}")
    points = published()
    publishers = sorted({point.publisher for point in points})
    return _Board(profile, {}, f"{len(points)} published latencies: {', '.join(publishers)}")


def _kernels(data: bytes, case: Case) -> str:
    """Which kernels run it: an older .tflite's uint8 weights are taken by none of the fast ones."""
    described = describe(data, case.target.path)
    most = max(described.weights, key=lambda dtype: described.weights[dtype], default="float32")
    if case.target.engine == "tflite" and most == "uint8":
        return "uint8"
    return described.precision


def _row(case: Case, ops: Sequence[Op], precision: str, threads: int, board: _Board, *, most: int) -> dict[str, Any]:
    engine, notes = case.target.engine, []
    fit = board.calibration.get(f"{engine}/{precision}/{threads}")
    if fit is not None:
        total, interval = fit.network_ms(ops), Interval(fit.low, fit.high)
        shares = list(zip(ops, fit.each_ms(ops), strict=True))
    else:
        assumed = prior()
        if board.calibration:
            notes.append(f"the calibration has no {engine} {precision} on {threads} threads: from published latencies")
        total = _prior_ms(assumed, ops, board.profile, engine, precision, threads)
        shares = [(op, _prior_ms(assumed, [op], board.profile, engine, precision, threads)) for op in ops]
        granted = _extrapolated(board.profile, ops, engine, precision)
        interval = assumed.interval(precision).wider(len(granted))
        notes += granted
    ranked = sorted(shares, key=lambda pair: -pair[1])
    return {
        "model": Path(case.model).name,
        "step": case.step or None,  # of a pipeline
        "size": case.size and list(case.size),  # width and height, where the file leaves them free
        "engine": engine,
        "precision": case.precision,
        "threads": threads,
        "ms": round(total, 4),
        "low_ms": round(total * min(interval.low, 1.0), 4),
        "high_ms": round(total * max(interval.high, 1.0), 4),
        "confidence": 0.8,
        "macs": sum(op.macs for op in ops),
        "operators": [
            {"name": op.name, "kind": op.kind, "ms": round(ms, 4), "share": round(ms / total, 4) if total else 0.0}
            for op, ms in ranked[:most]
        ],
        "notes": notes,
    }


def _prior_ms(assumed: Prior, ops: Sequence[Op], profile: Profile, engine: str, precision: str, threads: int) -> float:
    each = 1.0 if precision in ("int8", "uint8") else 4.0
    return assumed.estimate(work_of(ops, each), profile, engine, precision, threads)


def _accelerators(profile: Profile) -> list[str]:
    """What else than its processor a board could run a model on: of that nothing is predicted."""
    names = [name for name in profile.delegates if name != "xnnpack"]
    return names or (["its GPU"] if profile.soc.startswith("NVIDIA") else [])


def _extrapolated(profile: Profile, ops: Sequence[Op], engine: str, precision: str) -> list[str]:
    """What the estimate takes for granted because nobody published it; each widens the interval."""
    notes = []
    if profile.name not in {point.board for point in published()}:
        notes.append(f"extrapolated: no published latency of {profile.name} is among the priors")
    if engine == "onnxruntime":
        notes.append("extrapolated: onnxruntime by its factor against XNNPACK, from the kit's own measurements")
    if precision not in ("float32", "int8"):
        notes.append(f"extrapolated: {precision} kernels differ from the published ones; calibrate the board")
    least = min(sum(work.macs) for work in networks().values())
    if sum(op.macs for op in ops) < least / 2:
        notes.append(f"extrapolated: every published network has more than {least / 1e6:.0f} million multiply-adds")
    return notes
