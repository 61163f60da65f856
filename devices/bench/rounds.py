"""Every case measured in several processes, all cases in turn, and what a case's processes say together."""

from __future__ import annotations

import math
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

MOST = 6  # processes of a case, unless asked for otherwise
OCCUPIED = 0.5  # cores' worth of other programs from which a measurement is disturbed
_SLOW_S = 1.5  # a process of more seconds: three do
_AFFORDED, _LEAST_AFFORDED_S = 20, 3.0  # all processes may take so many times what was asked for, or so many seconds
_WAITED = 0.05  # the share of a block without a core from which several threads' runs were not left alone
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
        """The ruler where nothing disturbed it; not the very best look, which may have been a lucky one."""
        return float(np.quantile([ms for process in self.processes for ms in _rulers(process)], 0.02))


def measure_in_rounds(
    cases: Sequence[Case],
    spec: Callable[[Case, bool], MeasureSpec],
    processes: int | None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Measured]:
    """The first process of every case, then further ones in turn: what drifts meanwhile hits all cases alike.

    Where other programs disturb, up to twice as many are tried until enough of them were left alone for a moment.
    """
    measured = [Measured(case) for case in cases]
    for i, each in enumerate(measured):
        progress(f"{i + 1}/{len(measured)}  {each.case.name}")
        each.first = measure(spec(each.case, True))
        if "error" not in each.first:
            each.processes.append(each.first)
    most = max((_wanted(each, spec(each.case, False), processes) for each in measured), default=0)
    for number in range(1, 2 * most):
        asked = [
            each for each in measured if each.processes and _again(each, number, spec(each.case, False), processes)
        ]
        if not asked:
            break
        progress(f"process {number + 1} of {most}" if number < most else "once more: other programs were busy")
        for each in asked:
            answer = measure(spec(each.case, False))
            if "error" not in answer:
                each.processes.append(answer)
    return measured


def _again(each: Measured, number: int, spec: MeasureSpec, processes: int | None) -> bool:
    wanted = _wanted(each, spec, processes)
    return number < wanted or (wanted > 1 and number < 2 * wanted and len(_quiet(each)) < wanted)


def _wanted(each: Measured, spec: MeasureSpec, asked: int | None) -> int:
    """How many processes a case is worth: on a slow board a start alone takes seconds."""
    if asked is not None or not each.processes:
        return asked or 1
    first = each.first
    # what others took of the machine while it started is not the board's slowness
    seconds = first["start_cpu_s"] + first["warmup"]["ms"] / 1e3 + first["window"][1] - first["window"][0]
    affordable = int(max(_AFFORDED * spec.duration_s * MOST, _LEAST_AFFORDED_S) / seconds)
    return max(min(affordable, 3 if seconds > _SLOW_S else MOST), 1)


def measured_facts(each: Measured) -> tuple[Steady, dict[str, Any]]:
    """The steady state over all processes, and each process's own figures for the report."""
    threads, best = each.case.target.threads, each.best_ms
    samples = np.concatenate([block["samples_ms"] for p in each.processes for block in p["blocks"]])
    rows = [_process_facts(process, best, threads) for process in each.processes]
    quiet = [row["quiet_ms"] for row in rows if row["quiet_ms"] is not None]
    medians = [row["median_ms"] or math.inf for row in rows]
    steady = summarize(samples, spread(quiet if len(quiet) >= _ENOUGH else medians) if len(medians) > 1 else None)
    occupied = [p["occupied"]["others_cores"] for p in each.processes if p["occupied"]["others_cores"] is not None]
    waited = [p["occupied"]["waited"] for p in each.processes if p["occupied"]["waited"] is not None]
    return steady, {
        "processes": [{key: _rounded(value) for key, value in row.items()} for row in rows],
        "ruler_ms": _rounded(best),
        "others_cores": _rounded(float(np.mean(occupied)) if occupied else None),
        "waited": _rounded(float(np.mean(waited)) if waited else None),
    }


def _process_facts(process: Process, best_ms: float, threads: int) -> dict[str, float | None]:
    """What a process took in all and by the ruler beside it, and the same of the moments it was left alone."""
    blocks = _alone(process, best_ms, threads)
    quiet_ms = float(np.quantile([_own_ms(b, threads) for b in blocks], 0.25)) if blocks else None
    ruler_ms = float(np.quantile([_ruler(b) for b in blocks], 0.25)) if blocks else None
    own_ms = float(np.quantile([_own_ms(block, threads) for block in process["blocks"]], 0.25))
    return {
        "median_ms": float(np.median(_samples(process))),
        "by_ruler": own_ms / float(np.quantile(_rulers(process), 0.25)),
        "ruler_ms": float(np.median(_rulers(process))),
        "quiet_ms": quiet_ms,
        "quiet_by_ruler": None if quiet_ms is None or ruler_ms is None else quiet_ms / ruler_ms,
        "quiet_ruler_ms": ruler_ms,
    }


def _quiet(each: Measured) -> list[Process]:
    threads, best = each.case.target.threads, each.best_ms
    return [process for process in each.processes if _alone(process, best, threads)]


def _alone(process: Process, best_ms: float, threads: int) -> list[Process]:
    """The blocks in which a process was left alone: the ruler near its best on either side. None where it is but one.

    Of several threads a block is not left alone either where the first of them waited for a core.
    """
    quiet = [
        block
        for block in process["blocks"]
        if max(block["before_ms"], block["after_ms"]) <= QUIET * best_ms
        and (threads == 1 or (block["waited"] or 0.0) <= _WAITED)
    ]
    return quiet if len(quiet) >= min(2, len(process["blocks"])) else []


def _own_ms(block: Process, threads: int) -> float:
    """A block's lower quartile: of one thread its own time, which waiting for a core is not in."""
    return float(np.quantile(block["cpu_ms" if threads == 1 else "samples_ms"], 0.25))


def _ruler(block: Process) -> float:
    return float(block["before_ms"] + block["after_ms"]) / 2


def _rulers(process: Process) -> list[float]:
    return [ms for block in process["blocks"] for ms in (block["before_ms"], block["after_ms"])]


def _samples(process: Process) -> list[float]:
    return [value for block in process["blocks"] for value in block["samples_ms"]]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
