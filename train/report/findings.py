"""All that a report speaks of, gathered from a run's folder."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runs.outputs import Outputs
from ..runs.run import CHECK, CURVE, Run
from ..tasks.classify.metrics import measure, softmax

__all__ = ["CurvePoint", "Findings", "gather", "read_rows"]


@dataclass(frozen=True)
class CurvePoint:
    """A training on a part of the images: how many, and how well it did."""

    images: int
    accuracy: float
    error: float  # the accuracy's standard error


@dataclass(frozen=True)
class Findings:
    """A finished run's figures."""

    run: Run
    history: list[dict[str, float]]  # one row an epoch
    steps: list[dict[str, float]]
    outputs: Outputs
    probabilities: NDArray[np.float64]  # (N, classes), calibrated
    metrics: dict[str, Any]  # of `measure`, on the validation split
    train_accuracy: float  # on unaugmented training images
    check: dict[str, Any]  # what `DataCheck` found
    curve: list[CurvePoint]


def gather(run: Run) -> Findings:
    """Read what a finished run left in its folder."""
    outputs = Outputs.load(run.path)
    probabilities = softmax(outputs.val_logits, run.temperature)
    right = outputs.train_logits.argmax(1) == outputs.train_labels
    curve = [CurvePoint(int(r["images"]), r["accuracy"], r["error"]) for r in read_rows(run.path / CURVE)]
    return Findings(
        run,
        read_rows(run.path / "metrics.csv"),
        read_rows(run.path / "steps.csv"),
        outputs,
        probabilities,
        measure(outputs.val_labels, probabilities, run.classes),
        float(right.mean()) if len(right) else math.nan,
        _check(run.path / CHECK),
        curve,
    )


def read_rows(file: Path) -> list[dict[str, float]]:
    """A CSV of numbers; nothing where there is no file."""
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            return [{k: float(v) if v else math.nan for k, v in row.items()} for row in csv.DictReader(stream)]
    except FileNotFoundError:
        return []


def _check(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found
