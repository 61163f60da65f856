"""How accuracy grows with the number of images: whether more photos or a better training would help."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.files import write_text

from .config import TrainConfig
from .data.prepare import Part, TrainData
from .metrics import standard_error
from .run import Run

__all__ = ["CURVE", "SHARES", "cut", "learning_curve", "part_of"]

CURVE = "learning-curve.csv"
SHARES = (1 / 8, 1 / 4, 1 / 2)


def learning_curve(run: Run, fit: Callable[[TrainConfig], Run], say: Callable[[str], None]) -> Path:
    """Train on parts of the training images, validate on the same ones, and write the curve into the run's folder."""
    runs = []
    for share in SHARES:
        config = replace(run.config, share=share, out=str(run.path / "curve" / f"{share:g}"))
        runs.append(fit(config))
        say(f"{_images(runs[-1]):,} images: {100 * _accuracy(runs[-1]):.2f} % right")
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["images", "accuracy", "error"])
    for each in [*runs, run]:
        count = each.facts.data["images"]["val"]
        table.writerow([_images(each), _accuracy(each), standard_error(_accuracy(each), count)])
    write_text(run.path / CURVE, text.getvalue())
    return run.path / CURVE


def cut(data: TrainData, share: float, seed: int) -> TrainData:
    """The data set with a share of its training images; the others are in no split."""
    if share >= 1:
        return data
    rows = part_of(data.train.labels, share, seed)
    whole = data.train
    missing = None if whole.missing is None else whole.missing[rows]
    part = Part(whole.pictures.select(rows), whole.labels[rows], whole.images.select(rows), missing)
    splits = data.splits.copy()
    splits[np.setdiff1d(np.flatnonzero(splits == "train"), np.flatnonzero(splits == "train")[rows])] = ""
    return replace(data, train=part, images=replace(data.images, splits=splits))


def part_of(labels: NDArray[np.int64], share: float, seed: int) -> NDArray[np.intp]:
    """Rows that are a share of every class, one of each at least; a larger share holds a smaller one's rows."""
    draw = np.random.default_rng((seed, 0x63757276))
    rows = [draw.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return np.sort(np.concatenate([own[: max(1, round(len(own) * share))] for own in rows]))


def _images(run: Run) -> int:
    return int(run.facts.data["images"]["train"])


def _accuracy(run: Run) -> float:
    return float((run.facts.metrics or {})["val_accuracy"])
