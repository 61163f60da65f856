"""Two reports of the same models on the same machine: what got slower, and whether that may be said at all."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgelens.runtime.errors import UsageError

from .statistics import ratio_of_runs

__all__ = ["Change", "broken", "compare_reports", "read_report", "unfit"]

_SCHEMA = 2
_ANOTHER_SPEED = 1.3  # of the ruler: no longer a clock that drifts
_DRIFT = 0.12  # as a logarithm, that the ruler takes off well; of what is beyond it half
_IN_ALL = ("median_ms", "by_ruler", "ruler_ms")
_LEFT_ALONE = ("quiet_ms", "quiet_by_ruler", "quiet_ruler_ms")
_ENOUGH = 3  # processes that were left alone for a moment


@dataclass(frozen=True)
class Change:
    """One row of both reports: what it took, and new over old with its 95 % interval."""

    name: str
    old_ms: float
    new_ms: float
    ratio: float
    low: float
    high: float
    processes: int  # of the run that has fewer
    machine: float  # how much longer the same work took, which the ratio does not count

    @property
    def different(self) -> bool:
        """Whether 1 lies outside the interval."""
        return not self.low <= 1.0 <= self.high


def read_report(path: str) -> dict[str, Any]:
    """A report that `bench --json` wrote."""
    try:
        report = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: could not be read ({error.strerror or error})") from None
    except ValueError:
        raise UsageError(f"{path}: is no JSON") from None
    if not isinstance(report, dict) or report.get("kind") != "bench" or not isinstance(report.get("cases"), list):
        raise UsageError(f"{path}: is no report of `edgelens bench --json`")
    if report.get("schema") == 1:
        raise UsageError(f"{path}: an older kit measured it in one process, which cannot be compared: measure again")
    if report.get("schema") != _SCHEMA:
        raise UsageError(
            f"{path}: schema {report.get('schema')!r} is not one this kit reads ({_SCHEMA}): update edgelens"
        )
    if not _is_whole(report):
        raise UsageError(f"{path}: lacks figures that `edgelens bench --json` writes, or some are no numbers")
    return report


def unfit(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Why the two should not be compared; empty where nothing speaks against it."""
    reasons = []
    for which, report in (("old", old), ("new", new)):
        if report.get("throttled"):
            reasons.append(f"the {which} run was throttled")
        if report.get("disturbed"):
            cores = f"{report['others_cores']:.1f} of {report['device'].get('cores')} cores"
            reasons.append(f"the {which} run was disturbed: other programs took up to {cores}")
        reasons.extend(f"the {which} run was too noisy: {name}" for name in report.get("noisy", []))
    there, here = (f"{r['device'].get('model')}, {r['device'].get('cpu')}" for r in (old, new))
    if there != here:
        reasons.append(f"different machines: {there} and {here}")
    governors = {str(r["device"].get("governor")) for r in (old, new)}
    if len(governors) > 1:
        reasons.append(f"different governors: {' and '.join(sorted(governors))}")
    reasons.extend(
        f"{b['name']} was measured in one process, which says nothing of others: `bench --processes 5`"
        for a, b in _common(old, new)
        if min(len(a["processes"]), len(b["processes"])) < 2
    )
    reasons.extend(_another_speed(a, b) for a, b in _common(old, new) if _speed(a, b) > _ANOTHER_SPEED)
    return reasons


def compare_reports(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """The rows that both reports measured, in the new one's order."""
    pairs = _common(old, new)
    if not pairs:
        raise UsageError("the two reports have no model, engine, precision, input size and threads in common")
    return [_change(a, b) for a, b in pairs]


def broken(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """The rows that the old run measured and the new one could not, by name, with why."""
    before = _by_key(old)
    return {str(row["name"]): str(row["error"]) for row in new["cases"] if "error" in row and _key(row) in before}


def _is_whole(report: Mapping[str, Any]) -> bool:
    """Whether everything is there that a comparison takes from a report, and every time is one."""
    try:
        rows = [row for row in report["cases"] if "error" not in row]
        times = [row["ruler_ms"] for row in rows]
        for process in (process for row in rows for process in row["processes"]):
            named = _IN_ALL if process["quiet_ms"] is None else _IN_ALL + _LEFT_ALONE
            times += [process[name] for name in named]
        told = [row["name"] and (row.get("error") or row["processes"]) for row in report["cases"]]
        fits = isinstance(report["device"], dict) and isinstance(report["noisy"], list)
        return fits and bool(told) and all(told) and report["others_cores"] >= 0 and all(map(_is_time, times))
    except (AttributeError, KeyError, TypeError):
        return False


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def _common(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Rows of one key, as models of one name from two folders have it, go by their order."""
    before, after = _by_key(old), _by_key(new)
    for key in before.keys() & after.keys():
        if len(before[key]) != len(after[key]):
            times = f"{len(before[key])} times in the old report and {len(after[key])} in the new"
            raise UsageError(f"{after[key][0]['name']}: stands {times}: models of one name cannot be told apart")
    partners = {id(b): a for key in before.keys() & after.keys() for a, b in zip(before[key], after[key], strict=True)}
    return [(partners[id(row)], row) for row in new["cases"] if id(row) in partners]


def _by_key(report: Mapping[str, Any]) -> dict[tuple[Any, ...], list[Mapping[str, Any]]]:
    rows: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in report["cases"]:
        if "error" not in row:
            rows.setdefault(_key(row), []).append(row)
    return rows


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    told = (row.get(name) for name in ("model", "step", "engine", "precision", "threads"))
    return (*told, tuple(row.get("size") or ()))


def _change(old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    """What either run's processes took by the ruler beside them, while they were left alone where enough of both were.

    A machine's clock drifts by some percent from minute to minute; the ruler drifts with it.
    """
    quiet = [[p for p in row["processes"] if p["quiet_ms"] is not None] for row in (old, new)]
    alone = min(map(len, quiet)) >= _ENOUGH
    before, after = quiet if alone else (row["processes"] for row in (old, new))
    ms, by_ruler, ruler = _LEFT_ALONE if alone else _IN_ALL
    machine = _mean([p[ruler] for p in after]) / _mean([p[ruler] for p in before])
    ratio = ratio_of_runs(
        [p[by_ruler] for p in before], [p[by_ruler] for p in after], unsure=max(abs(math.log(machine)) - _DRIFT, 0) / 2
    )
    old_ms, new_ms = (_mean([p[ms] for p in part]) for part in (before, after))
    return Change(str(new["name"]), old_ms, new_ms, ratio.ratio, ratio.low, ratio.high, ratio.processes, machine)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _speed(old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    ratio = float(new["ruler_ms"] / old["ruler_ms"])
    return max(ratio, 1 / ratio)


def _another_speed(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    times = new["ruler_ms"] / old["ruler_ms"]
    which, times = ("new", times) if times > 1 else ("old", 1 / times)
    return f"the machine itself was {(times - 1) * 100:.0f} % slower during the {which} run of {new['name']}"
