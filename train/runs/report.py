"""`report.html`: the whole run on one page that can be mailed."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import EdgelensError
from edgelens.runtime.host.files import write_text

from ..report.findings import CurvePoint, Findings
from ..report.page import page
from ..report.score import Score
from ..tasks.catalog import make_task
from .outputs import SplitOutputs
from .run import CHECK, CURVE, METRICS, STEPS, Run

__all__ = ["REPORT", "gather", "write_report"]

REPORT = "report.html"


def write_report(run: Run, images: ImageSet | None = None) -> Path:
    """Write a finished run's report from what is in its folder, and say where.

    `images` is the validation split where it is open already.
    """
    findings = gather(run, images)
    task = make_task(run.config, run.classes)
    target = run.path / REPORT
    write_text(target, page(f"Training report: {findings.name}", _subtitle(findings), task.report(findings)))
    return target


def gather(run: Run, images: ImageSet | None = None) -> Findings:
    """Read what a finished run left in its folder."""
    outputs, facts = SplitOutputs.load(run.path), run.facts
    score = make_task(run.config, run.classes).score

    def validation() -> ImageSet | None:
        try:
            return run.judged() if images is None else images
        except (EdgelensError, OSError):
            return None

    return Findings(
        run.path.resolve().name,
        run.config,
        run.classes,
        run.pixels,
        run.decode,
        score,
        str((facts.metrics or {}).get("basis", "answers of the best epoch")),
        int((facts.metrics or {}).get("best_epoch", -1)),
        facts.network,
        facts.environment,
        facts.data,
        facts.started,
        _rows(run.path / METRICS),
        _rows(run.path / STEPS),
        outputs.val,
        outputs.val_targets,
        outputs.train,
        outputs.train_targets,
        _check(run.path / CHECK),
        _curve(run.path / CURVE, score),
        validation,
        run.model,
        "training" if (facts.metrics or {}).get("judged") == "train" else "validation",
    )


def _curve(file: Path, score: Score) -> list[CurvePoint]:
    return [CurvePoint(int(row["images"]), row[score.name], row["error"]) for row in _rows(file)]


def _rows(file: Path) -> list[dict[str, float]]:
    """A CSV file's rows as numbers; empty where there is none, NaN where a cell is empty."""
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return [{name: float(value or math.nan) for name, value in row.items()} for row in csv.DictReader(stream)]
    except FileNotFoundError:
        return []


def _check(file: Path) -> dict[str, Any]:
    try:
        checked: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return checked


def _subtitle(findings: Findings) -> str:
    pixels, classes = findings.pixels, findings.classes
    kinds = classes[0] if len(classes) == 1 else f"{len(classes)} classes"
    return (
        f"{findings.config.model} · {kinds} · {pixels.width}×{pixels.height} {pixels.color} ·"
        f" {len(findings.val_targets):,} {findings.judging} images · {Path(findings.config.data).name}"
    )
