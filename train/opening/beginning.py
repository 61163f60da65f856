"""What a training begins with: the loop's first state, the facts of its run, and the run's first files."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from edgelens.version import __version__

from ..augment import Recipe, recipe_to_json
from ..config import TrainConfig
from ..data.train_data import TrainData
from ..ingredients import training_counts
from ..models.cost import cost_of
from ..optimize.average import Average
from ..optimize.batch_norm import share_batch_norm
from ..optimize.distributed import World
from ..optimize.optimizers import make_optimizer
from ..optimize.precision import laid_out
from ..runs.checkpoint import State
from ..runs.facts import RunFacts, plain
from ..runs.outputs import OUTPUTS
from ..runs.report import REPORT
from ..runs.run import AVERAGE, BEST, CHECK, CURVE, FACTS, KNOWN, LAST, METRICS, SPLITS, STEPS, TUNED, Run
from .opened import Opened

__all__ = ["facts_of", "first_state", "mode_line", "put_down"]

_FORMER = (FACTS, BEST, TUNED, AVERAGE, LAST, SPLITS, KNOWN, METRICS, STEPS, CHECK, CURVE, OUTPUTS, REPORT)


def first_state(config: TrainConfig, network: nn.Module, mode: str, world: World) -> State:
    """Where the loop starts from."""
    network = laid_out(network, mode)
    if world.size > 1:
        share_batch_norm(network)
    optimizer = make_optimizer(
        config.optimizer,
        network,
        rate=config.rate,
        momentum=config.momentum,
        l2=config.l2,
        first_rate=1.0 if config.first_rate is None else config.first_rate,
    )
    average = Average(network, config.ema, halfway=config.halfway) if config.ema else None
    return State(network, optimizer, average)


def facts_of(start: Opened, recipe: Recipe, mode: str, speeds: dict[str, float], world: World) -> RunFacts:
    """What a run knows of its data, its network and this machine before the first step."""
    data, network = start.data, start.network
    cost = cost_of(network, data.pixels.channels, (data.pixels.height, data.pixels.width))
    environment: dict[str, Any] = {
        "edgelens": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": world.size,
        "device": world.device.type,
        "precision": mode,
        "precision_images_per_s": speeds,
        "command": " ".join(sys.argv),
    }
    return RunFacts(
        data.classes,
        data.pixels,
        {
            "path": data.images.root,
            "format": data.images.format,
            "fingerprint": data.fingerprint,
            "images": {name: int((data.splits == name).sum()) for name in ("train", "val", "test")},
            **({"known_before": start.known_before} if start.known_before else {}),
        },
        {"parameters": cost.parameters, "macs": cost.macs},
        environment,
        counts=training_counts(data),
        recipe=plain(recipe_to_json(recipe)),
        started=start.started,
    )


def mode_line(mode: str, speeds: dict[str, float]) -> str:
    """In which mode it trains, and how fast each was."""
    measured = ", ".join(f"{name} {rate:,.0f}" for name, rate in speeds.items())
    return f"trains in {mode}" + (f" (images/s here: {measured})" if measured else "")


def put_down(run: Run, data: TrainData) -> None:
    """Write a new run's first files; of one that was in its folder nothing stays.

    `run.json` makes a run of them: whoever calls writes it, behind what the run can go on from.
    """
    for name in _FORMER:
        (run.path / name).unlink(missing_ok=True)
    run.write_splits(data.names, data.splits, data.groups)
    run.write_check(data.check)
