"""A whole `bench`: every case in its own process, heat watched meanwhile, pairs in turn, one report."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgelens.runtime.errors import WorkError
from edgelens.runtime.loop.board import BoardProbe
from edgelens.version import __version__

from ..here import this_machine
from ..probes import board_probe
from ..probes.clock import governor
from .cases import Case, Selection, cases_of
from .heat import HeatLog
from .processes import measure
from .rounds import MOST, OCCUPIED, Measured, measure_in_rounds, measured_facts
from .spec import MeasureSpec, PairSpec
from .statistics import NOISY, Ratio, ratio_of_pairs

__all__ = ["SCHEMA", "BenchPlan", "bench", "measure_pair"]

SCHEMA = 2  # since 2 a case holds what each of its processes took


@dataclass(frozen=True)
class BenchPlan:
    """What is measured and for how long."""

    choice: Selection = field(default_factory=Selection)
    duration_s: float = 2.0  # of a case, over all its processes
    frame: tuple[int, int] = (480, 640)  # height, width of the frame that goes the whole way
    end_to_end: bool = True
    operators: bool = False
    processes: int | None = None  # that each case is measured in; None: MOST, fewer where a process takes long
    pairs: int = 6  # processes a pair of models is measured in; 0 leaves pairs out
    confidence: float = 0.99


def bench(
    models: Sequence[str],
    plan: BenchPlan,
    *,
    probe: BoardProbe | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """The report of all models as plain values."""
    machine = this_machine()
    watched = probe or board_probe()
    with tempfile.TemporaryDirectory(prefix="edgelens-bench-") as folder, HeatLog(watched) as heat:
        cases = [case for model in models for case in cases_of(model, plan.choice, machine.cores, Path(folder))]
        measured = measure_in_rounds(
            cases, lambda case, first: _spec(case, plan, cases, first=first), plan.processes, progress
        )
        rows = [_row(each, heat) for each in measured]
        pairs = _pairs(models, cases, plan, progress)
    return {
        "schema": SCHEMA,
        "kind": "bench",
        "kit": __version__,
        "when": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "device": {**machine.as_dict(), "governor": governor(Path("/")), "missing_sensors": list(_missing(watched))},
        "settings": {"duration_s": plan.duration_s, "frame": list(plan.frame), "confidence": plan.confidence},
        "cases": rows,
        "pairs": pairs,
        "heat": heat.as_list(),
        "throttled": heat.throttled(),
        "noisy": [row["name"] for row in rows if "error" not in row and _noisy(row)],
        "others_cores": max((row.get("others_cores") or 0.0 for row in rows), default=0.0),
        "disturbed": [row["name"] for row in rows if (row.get("others_cores") or 0.0) >= OCCUPIED],
    }


def measure_pair(a: Case, b: Case, processes: int, confidence: float) -> Ratio:
    """B's time over A's, measured in turn, several loads of both in each of some fresh processes."""
    ratios: list[list[float]] = []
    for i in range(processes):
        answer = measure(PairSpec(a.target, b.target, seed=i))
        if "error" in answer:
            raise WorkError(str(answer["error"]))
        ratios.append(answer["ratios"])
    return ratio_of_pairs(ratios, confidence)


def _first_of_its_way(case: Case, cases: Sequence[Case]) -> bool:
    """The whole way, of a pipeline through all its networks, is gone once an engine and precision, on few threads."""

    def way(of: Case) -> tuple[str, str, str]:
        return of.model, of.target.engine, of.precision

    return case is next(each for each in cases if way(each) == way(case))


def _spec(case: Case, plan: BenchPlan, cases: Sequence[Case], *, first: bool) -> MeasureSpec:
    """What one process does: the first one of a case looks at everything once."""
    whole = first and plan.end_to_end and _first_of_its_way(case, cases)
    opening = {
        "model": case.model,
        "precision": case.precision if case.model.endswith(".edge") or "/" in case.entry else None,
        "frame": list(plan.frame),
        "options": dict(plan.choice.options),
    }
    return MeasureSpec(
        case.target,
        duration_s=plan.duration_s / (plan.processes or MOST),
        end_to_end={**opening, "seconds": plan.duration_s} if whole and case.runs_end_to_end else None,
        operators=first and plan.operators,
    )


def _row(each: Measured, heat: HeatLog) -> dict[str, Any]:
    case, first = each.case, each.first
    row: dict[str, Any] = {
        "name": case.name,
        "model": Path(case.model).name,
        "step": case.step or None,  # of a pipeline
        "entry": case.entry,
        "engine": case.target.engine,
        "precision": case.precision,
        "threads": case.target.threads,
        "size": list(case.size) if case.size else None,  # width and height, where the file leaves them free
        "sha256": case.sha256,
        "bytes": case.bytes,
    }
    if "error" in first:
        return {**row, "error": first["error"]}
    steady, facts = measured_facts(each)
    told = [watts for p in each.processes if (watts := heat.watts(*p["window"])) is not None]
    watts = sum(told) / len(told) if told else None
    row |= {
        "cold": {key: round(value, 3) for key, value in first["cold"].items()},
        "warmup": first["warmup"],
        "steady": steady.as_dict(),
        **facts,
        "memory_mb": first["memory_mb"],
        "power_w": watts,
        "energy_mj": None if watts is None else watts * steady.mean,
    }
    return row | {part: first[part] for part in ("end_to_end", "operators") if part in first}


def _noisy(row: dict[str, Any]) -> bool:
    noise = row["steady"]["noise"]
    return noise is None or noise > NOISY


def _pairs(
    models: Sequence[str], cases: Sequence[Case], plan: BenchPlan, progress: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Every later model against the first, on the engine, precision and threads they share or prefer."""
    pairs = []
    for model in models[1:] if plan.pairs >= 2 else ():
        a, b = _partners([c for c in cases if c.model == models[0]], [c for c in cases if c.model == model])
        progress(f"in turn  {a.name} | {b.name}")
        ratio = measure_pair(a, b, plan.pairs, plan.confidence)
        pairs.append({"a": a.name, "b": b.name, **asdict(ratio), "different": ratio.different})
    return pairs


def _partners(first: Sequence[Case], second: Sequence[Case]) -> tuple[Case, Case]:
    for alike in (1, 2):  # the same step of both, else any
        for a in first:
            for b in second:
                if a.key[alike:] == b.key[alike:]:
                    return a, b
    return first[0], second[0]


def _missing(probe: BoardProbe) -> tuple[str, ...]:
    missing = getattr(probe, "missing", None)
    return tuple(missing()) if callable(missing) else ()
