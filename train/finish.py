"""A training's end: what its best weights answer, calibrated, measured and reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from .feed import Feed
from .loop import Ingredients, predict
from .runs.checkpoint import State
from .runs.outputs import Outputs
from .runs.run import Run

__all__ = ["finish"]

_TRAINING_LOOKED_AT = 2000  # images whose answers tell how much better the network does on what it has seen


def finish(run: Run, made_of: Ingredients, state: State, say: Callable[[str], None]) -> Run:
    """Complete a run: answers in float32 on the CPU as they will be deployed, calibration, metrics, report."""
    from .report.write import write_report

    task, network = made_of.task, run.model()
    val = _plain(made_of.val)
    outputs, answers = predict(network, val), val.targets
    seen = _some(_plain(made_of.data))
    Outputs(outputs.numpy(), answers.numpy(), predict(network, seen).numpy(), seen.targets.numpy()).save(run.path)
    calibration = task.calibrate(outputs, answers, run.config.false_accepts)
    say(calibration.said)
    metrics: dict[str, Any] = {f"val_{name}": value for name, value in task.metrics(outputs, answers).items()}
    metrics |= {"best_epoch": state.best_epoch, "epochs": state.epoch}
    metrics["val"] = task.summary(outputs, answers, calibration)
    facts = replace(
        run.facts,
        temperature=calibration.temperature,
        unknown_threshold=calibration.unknown_threshold,
        metrics=metrics,
    )
    run = replace(run, facts=facts)
    run.write()
    say(f"report: {write_report(run)}")
    return run


def _plain(feed: Feed) -> Feed:
    """The same split in float32 on the CPU."""
    return replace(feed, targets=feed.targets.cpu(), mode="float32", device=torch.device("cpu"))


def _some(feed: Feed) -> Feed:
    """Rows spread over a split, as a split of their own."""
    rows = np.unique(np.linspace(0, len(feed) - 1, _TRAINING_LOOKED_AT).astype(np.intp))
    index = torch.from_numpy(rows)
    pixels = feed.pixels[index] if isinstance(feed.pixels, torch.Tensor) else feed.pixels.select(rows)
    return replace(feed, pixels=pixels, targets=feed.targets[index])
