"""Every case measured in several processes, all cases in turn, and what a case's processes say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .cases import Case
from .processes import measure
from .ruler import QUIET
from .spec import MeasureSpec
from .statistics import Steady, spread, summarize

__all__ = ["MOST", "OCCUPIED", "Measured", "measure_in_rounds", "measured_facts"]

MOST = 5  # processes of a case, unless asked for otherwise
OCCUPIED = 0.5  # cores' worth of other programs from which a measurement is disturbed
_FEWER, _ONE = 2.0, 20.0  # a process of more seconds: three do; of more times what was asked for: one has to do
_WAITED = 0.6  # the share of a long run without a core beyond which nothing can be said of the rest
_ENOUGH = 3  # processes that were left alone for a moment
Process = Mapping[str, Any]


@dataclass
class Measured:
    """What a case's processes answered: the first one's whole answer, and everybody's blocks."""

    case: Case
    first: dict[str, Any] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    @property
    def best_ms(self) -> float:
        """The ruler where nothing disturbed it."""
        return min(ms for process in self.processes for ms in _rulers(process))


def measure_in_rounds(
    cases: Sequence[Case],
    spec: Callable[[Case, bool], MeasureSpec],
    processes: int | None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Measured]:
    """The first process of every case, then further ones in turn: what drifts meanwhile hits all cases alike.

    Where other programs disturb, up to twice as many are tried until three were left alone for a moment.
    """
    found = [Measured(case) for case in cases]
    for i, each in enumerate(found):
        progress(f"{i + 1}/{len(found)}  {each.case.name}")
        each.first = measure(spec(each.case, True))
        if "error" not in each.first:
            each.processes.append(each.first)
    most = max((_wanted(each, spec(each.case, False), processes) for each in found), default=0)
    for number in range(1, 2 * most):
        asked = [each for each in found if each.processes and _again(each, number, spec(each.case, False), processes)]
        if not asked:
            break
        progress(f"process {number + 1} of {most}" if number < most else "once more: other programs were busy")
        for each in asked:
            answer = measure(spec(each.case, False))
            if "error" not in answer:
                each.processes.append(answer)
    return found


def _again(each: Measured, number: int, spec: MeasureSpec, processes: int | None) -> bool:
    wanted = _wanted(each, spec, processes)
    if number < wanted:
        return True
    return wanted > 1 and number < 2 * wanted and len(_quiet(each)) < min(_ENOUGH, wanted)


def _wanted(each: Measured, spec: MeasureSpec, asked: int | None) -> int:
    """How many processes a case is worth: on a slow board a start alone takes seconds."""
    if asked is not None or not each.processes:
        return asked or 1
    first = each.first
    seconds = (first["cold"]["total_ms"] + first["warmup"]["ms"]) / 1e3 + first["window"][1] - first["window"][0]
    if seconds > max(_ONE * spec.duration_s * MOST, _FEWER):
        return 1
    return 3 if seconds > _FEWER else MOST


def measured_facts(each: Measured) -> tuple[Steady, dict[str, Any]]:
    """The steady state over all processes, and each process's own figures for the report."""
    samples = np.concatenate([block["samples_ms"] for p in each.processes for block in p["blocks"]])
    quiet = _quiet(each)
    medians = [float(np.median(_samples(p))) for p in each.processes]
    steady = summarize(samples, spread(quiet if len(quiet) >= _ENOUGH else medians) if len(medians) > 1 else None)
    occupied = [p["occupied"]["others_cores"] for p in each.processes if p["occupied"]["others_cores"] is not None]
    waited = [p["occupied"]["waited"] for p in each.processes if p["occupied"]["waited"] is not None]
    return steady, {
        "processes": [
            {
                "median_ms": round(median, 6),
                "quiet_ms": _rounded(_quiet_ms(p, each.best_ms)),
                "ruler_ms": round(float(np.median(_rulers(p))), 6),
            }
            for p, median in zip(each.processes, medians, strict=True)
        ],
        "ruler_ms": round(each.best_ms, 6),
        "others_cores": _rounded(float(np.mean(occupied)) if occupied else None),
        "waited": _rounded(float(np.mean(waited)) if waited else None),
    }


def _quiet(each: Measured) -> list[float]:
    found = [_quiet_ms(process, each.best_ms) for process in each.processes]
    return [value for value in found if value is not None]


def _quiet_ms(process: Process, best_ms: float) -> float | None:
    """A process's time while it was left alone; None where it never was.

    Alone is a block with the ruler near its best on either side. Of such blocks the lower quartile counts, since a
    disturbance may still hide between two looks.
    """
    alone = [
        left for b in process["blocks"]
        if max(b["before_ms"], b["after_ms"]) <= QUIET * best_ms and (left := _left_alone(b)) is not None
    ]  # fmt: skip
    return float(np.quantile(alone, 0.25)) if len(alone) >= min(2, len(process["blocks"])) else None


def _left_alone(block: Mapping[str, Any]) -> float | None:
    """A block's time less what it waited for a core: known where it is one long run, hardly felt where it is many."""
    samples, waited = block["samples_ms"], block["waited"] or 0.0
    if len(samples) == 1:
        return float(samples[0] * (1 - waited)) if waited <= _WAITED else None
    return float(np.quantile(samples, 0.25))


def _rulers(process: Process) -> list[float]:
    return [ms for block in process["blocks"] for ms in (block["before_ms"], block["after_ms"])]


def _samples(process: Process) -> list[float]:
    return [value for block in process["blocks"] for value in block["samples_ms"]]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
