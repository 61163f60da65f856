"""Two reports of the same models on the same machine: what got slower, and whether that may be said at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgelens.runtime.errors import UsageError

__all__ = ["Change", "compare_reports", "read_report", "unfit"]


@dataclass(frozen=True)
class Change:
    """One row of both reports: the medians, and new over old with its 95 % interval."""

    name: str
    old_ms: float
    new_ms: float
    ratio: float
    low: float
    high: float


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
    if report.get("schema") != 1:
        raise UsageError(f"{path}: schema {report.get('schema')!r} is not one this kit reads (1): update edgelens")
    return report


def unfit(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Why the two should not be compared; empty where nothing speaks against it."""
    reasons = []
    for which, report in (("old", old), ("new", new)):
        if report.get("throttled"):
            reasons.append(f"the {which} run was throttled")
        reasons.extend(f"the {which} run was too noisy: {name}" for name in report.get("noisy", []))
    there, here = (f"{r['device'].get('model')}, {r['device'].get('cpu')}" for r in (old, new))
    if there != here:
        reasons.append(f"different machines: {there} and {here}")
    governors = {str(r["device"].get("governor")) for r in (old, new)}
    if len(governors) > 1:
        reasons.append(f"different governors: {' and '.join(sorted(governors))}")
    return reasons


def compare_reports(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """The rows that both reports measured, in the new one's order."""
    before = {_key(row): row for row in old["cases"] if "error" not in row}
    pairs = [(before[_key(row)], row) for row in new["cases"] if "error" not in row and _key(row) in before]
    if not pairs:
        raise UsageError("the two reports have no model, engine, precision and threads in common")
    return [_change(a, b) for a, b in pairs]


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("model", "engine", "precision", "threads"))


def _change(old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    """The interval comes from drawing both runs' block medians anew."""
    rng = np.random.default_rng(0)
    a, b = (np.asarray(row["steady"]["blocks"], np.float64) for row in (old, new))
    draws = [np.median(rng.choice(part, (2000, len(part))), axis=1) for part in (a, b)]
    low, high = np.quantile(draws[1] / draws[0], [0.025, 0.975])
    old_ms, new_ms = float(old["steady"]["p50"]), float(new["steady"]["p50"])
    return Change(str(new["name"]), old_ms, new_ms, new_ms / old_ms, float(low), float(high))
