"""From a configuration to a finished run, and on from where one was stopped."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from edgelens.runtime.errors import DataError, UsageError
from edgelens.version import __version__

from .augment import recipe_to_json
from .config import BACKBONE, EPOCHS, TrainConfig
from .data.check_table import check_table
from .data.picture import choose_pixels
from .data.prepare import TrainData, prepare
from .data.share import cut
from .finish import finish
from .ingredients import gather, training_counts
from .loop import Ingredients, train
from .models.cost import cost_of
from .optimize import distributed
from .optimize.average import Average
from .optimize.batch_norm import share_batch_norm
from .optimize.distributed import World
from .optimize.optimizers import make_optimizer
from .optimize.precision import laid_out
from .runs import tensorboard
from .runs.checkpoint import State, check_room, load_state, save_state
from .runs.facts import RunFacts, plain
from .runs.progress import Progress, Watch
from .runs.run import FACTS, LAST, Run
from .start import pretrained as backbone
from .start.transfer import freeze, start_from
from .task import Task
from .tasks.catalog import make_network, make_task

__all__ = ["fit", "resume", "settled"]

_BATCH, _FEW_BATCH = 128, 32
_MOST_EPOCHS = 100
_STEPS = 1500  # at least, in all; of 240 faces 60 epochs got all right in validation where 30 got 88 % right
_FEW = 1500  # training images; of 720 photos 32 a step got 68 % right where 128 got 62


def fit(config: TrainConfig, *, quiet: bool = False, overwrite: bool = False, watch: Watch | None = None) -> Run:
    """Train a network as the configuration says and return its run."""
    with distributed.joined(config.device) as world:
        folder = Path(config.out)
        if world.leads and (folder / FACTS).exists() and not overwrite:
            raise UsageError(
                f"--out {folder}: holds a run already; go on with --resume {folder}, choose another folder, or"
                " give --overwrite"
            )
        return _train(config.anchored(), None, world, quiet=quiet, watch=watch)


def resume(path: str | Path, *, quiet: bool = False, watch: Watch | None = None) -> Run:
    """Go on with a run where its last checkpoint left it; a finished one is returned as it is."""
    run = Run.open(path)
    if run.facts.metrics is not None:
        return run
    config = replace(run.config, out=str(path))
    with distributed.joined(config.device) as world:
        return _train(config, run, world, quiet=quiet, watch=watch)


def _train(config: TrainConfig, earlier: Run | None, world: World, *, quiet: bool, watch: Watch | None = None) -> Run:
    speak = world.leads and not quiet
    threads = config.threads or (earlier.facts.environment["threads"] if earlier else None)
    if threads:
        torch.set_num_threads(threads)
    with Progress(config.epochs, 1, quiet=not speak) as progress:
        opened = _opened(config, earlier, world, progress)
        config, network, data = opened.config, opened.network, opened.data
        for line in opened.said:
            progress.say(line)
        stored = str(earlier.facts.environment["precision"]) if earlier else None
        made_of, mode, speeds = gather(config, data, network, world, progress.say, stored)
        progress.say(_mode_line(mode, speeds))
    facts = earlier.facts if earlier else _facts(opened, made_of, mode, speeds, world)
    run = Run(Path(config.out), config, facts)
    if run.facts.data["fingerprint"] != data.fingerprint:
        raise UsageError(f"--resume {run.path}: {config.data} has changed since; start a new run with --from")
    state = _state(config, network, mode, world)
    if earlier:
        file = run.path / LAST
        load_state(state, world.told(_bytes(file) if world.leads else b""), file)
    elif world.leads:
        (run.path / LAST).unlink(missing_ok=True)
        run.write()
        run.write_splits(data.names, data.splits)
        run.write_check(data.check)
        save_state(state, run.path / LAST)
    steps = max(1, round(len(data.train) / config.batch))
    log = tensorboard.writer(run.path) if world.leads else None
    with Progress(
        config.epochs,
        steps,
        quiet=not speak,
        tensorboard=log,
        watch=watch,
        score=made_of.task.score,
        validated=len(made_of.val),
    ) as progress:
        try:
            train(state, config, made_of, run, progress, world)
        except KeyboardInterrupt:
            progress.say(f"stopped; go on with: edgelens train --resume {run.path}")
            raise
    return finish(run, made_of, state, progress.say, data.val.images) if world.leads else run


@dataclass(frozen=True)
class _Opened:
    """A training before its first step."""

    config: TrainConfig
    network: nn.Module  # with its first weights
    data: TrainData
    started: str | None  # where the first weights come from; None: from chance
    said: list[str]


def _opened(config: TrainConfig, earlier: Run | None, world: World, progress: Progress) -> _Opened:
    """The network, the data, and what is to be said of them once nothing was wrong with them."""
    task = make_task(config)
    images = task.open_data(config.data_config())
    asked = (config.model, config.size, config.color, config.resize)
    pixels = earlier.pixels if earlier else choose_pixels(images, *asked)
    torch.manual_seed(config.seed)
    network = make_network(config, images.classes, pixels)
    cost = cost_of(network, pixels.channels, (pixels.height, pixels.width))
    said, started = [f"{config.model} for {pixels.width}×{pixels.height} {pixels.color}: {cost}"], None
    if not earlier:
        by_itself = task.backbone and backbone.suits(config, images, pixels)
        config = replace(config, start=BACKBONE) if by_itself else config
        if config.start:
            started = _started(network, config.start, task)
            why = "; few photos do better so, --scratch turns it off" if by_itself else ""
            said.append(f"starts from {started}{why}")
    if config.freeze:
        said.append(f"frozen: {freeze(network, config.freeze, task.heads):,} weights")
    data = prepare(config.data_config(), pixels, images=images, progress=progress.reading)
    data = cut(data, config.share, config.seed)
    config = settled(config, len(data.train))
    if world.leads:
        check_room(Path(config.out), network)
    return _Opened(config, network, data, started, [*said, *images.notes, *check_table(data.check)])


def settled(config: TrainConfig, images: int) -> TrainConfig:
    """Images a step and epochs where they were left open: of few images fewer a step, and more often."""
    batch = config.batch or (_BATCH if images > _FEW else _FEW_BATCH)
    epochs = config.epochs or min(max(EPOCHS, _STEPS * batch // images), _MOST_EPOCHS)
    return replace(config, batch=batch, epochs=epochs)


def _started(network: nn.Module, start: str, task: Task) -> str:
    """Give a network its first weights, and say whose they are."""
    source = str(backbone.provenance()) if start == BACKBONE else start
    return f"{source}: {start_from(network, start, task.heads)}"


def _bytes(checkpoint: Path) -> bytes:
    try:
        return checkpoint.read_bytes()
    except OSError as error:
        raise DataError(f"{checkpoint}: could not be read ({error.strerror}); the run cannot go on") from None


def _state(config: TrainConfig, network: nn.Module, mode: str, world: World) -> State:
    network = laid_out(network, mode)
    if world.size > 1:
        share_batch_norm(network)
    optimizer = make_optimizer(config.optimizer, network, rate=config.rate, momentum=config.momentum, l2=config.l2)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return State(network, optimizer, Average(network, config.ema) if config.ema else None)


def _facts(opened: _Opened, made_of: Ingredients, mode: str, speeds: dict[str, float], world: World) -> RunFacts:
    data, network = opened.data, opened.network
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
        },
        {"parameters": cost.parameters, "macs": cost.macs},
        environment,
        counts=training_counts(data),
        recipe=plain(recipe_to_json(made_of.recipe)),
        started=opened.started,
    )


def _mode_line(mode: str, speeds: dict[str, float]) -> str:
    measured = ", ".join(f"{name} {rate:,.0f}" for name, rate in speeds.items())
    return f"trains in {mode}" + (f" (images/s here: {measured})" if measured else "")
