"""How the score grows with the number of images: whether more photos or a better training would help."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgelens.runtime.host.files import write_text

from ..config import TrainConfig
from ..runs.run import CURVE, Run
from ..task import Score
from ..tasks.catalog import make_task

__all__ = ["SHARES", "learning_curve"]

SHARES = (1 / 8, 1 / 4, 1 / 2)


def learning_curve(run: Run, fit: Callable[[TrainConfig], Run], say: Callable[[str], None]) -> Path:
    """Train on parts of the training images, validate on the same ones, and write the curve into the run's folder.

    A head that learns from all photos is judged by all that it learns from, each left out once. What began with random
    weights does so with few images too.
    """
    score, runs = make_task(run.config, run.classes).score, []
    scratch = run.config.start is None
    for share in SHARES:
        config = replace(run.config, share=share, scratch=scratch, out=str(run.path / "curve" / f"{share:g}"))
        runs.append(fit(config))
        say(f"{_images(runs[-1]):,} images: {runs[-1].figure}")
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["images", score.name, "error"])
    for each in [*runs, run]:
        value, count = _value(each, score), each.judged_count
        table.writerow([_images(each), value, score.error(value, count)])
    write_text(run.path / CURVE, text.getvalue())
    return run.path / CURVE


def _images(run: Run) -> int:
    """How many it learned from."""
    return sum(int(run.facts.data["images"][name]) for name in run.learned_splits)


def _value(run: Run, score: Score) -> float:
    return float((run.facts.metrics or {})[f"val_{score.name}"])
