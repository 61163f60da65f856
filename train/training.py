"""From a configuration to a finished run, and on from where one was stopped."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from edgelens.runtime.errors import UsageError
from edgelens.runtime.preprocess import PixelContract
from edgelens.version import __version__

from . import augment, distributed, tensorboard
from .average import Average
from .batch_norm import share_batch_norm
from .checkpoint import State, check_room, load_state, save_state
from .config import TrainConfig
from .data.prepare import Part, TrainData, open_images, prepare
from .distill import Distillation
from .distributed import World
from .feed import Feed
from .imbalance import choose_remedy, class_weights
from .loop import Ingredients, predict, train
from .missing import against_missing
from .models.catalog import build
from .models.cost import cost_of
from .optimizers import make_optimizer
from .picture import choose_pixels
from .precision import fastest, laid_out
from .progress import Progress
from .run import FACTS, LAST, Run, RunFacts
from .tasks.catalog import task_builder
from .tasks.task import Task
from .transfer import freeze, start_from

__all__ = ["fit", "resume"]


def fit(config: TrainConfig, *, quiet: bool = False, overwrite: bool = False) -> Run:
    """Train a network as the configuration says and return its run."""
    with distributed.joined(config.device) as world:
        folder = Path(config.out)
        if world.leads and (folder / FACTS).exists() and not overwrite:
            raise UsageError(
                f"--out {folder}: holds a run already; go on with --resume {folder}, choose another folder, or"
                " give --overwrite"
            )
        return _train(config, None, world, quiet=quiet)


def resume(path: str | Path, *, quiet: bool = False) -> Run:
    """Go on with a run where its last checkpoint left it; a finished one is returned as it is."""
    run = Run.open(path)
    if run.facts.metrics is not None:
        return run
    config = replace(run.config, out=str(path))
    with distributed.joined(config.device) as world:
        return _train(config, run, world, quiet=quiet)


def _train(config: TrainConfig, earlier: Run | None, world: World, *, quiet: bool) -> Run:
    speak = world.leads and not quiet
    threads = config.threads or (earlier.facts.environment["threads"] if earlier else None)
    if threads:
        torch.set_num_threads(threads)
    images = open_images(config.data_config())
    pixels = earlier.pixels if earlier else choose_pixels(images, config)
    network = _network(config, pixels, len(images.classes))
    cost = cost_of(network, pixels.channels, (pixels.height, pixels.width))
    with Progress(config.epochs, 1, quiet=not speak) as progress:
        progress.say(f"{config.model} for {pixels.width}×{pixels.height} {pixels.color}: {cost}")
        _start(network, config, progress)
        if world.leads:
            check_room(Path(config.out), network)
        data = prepare(config.data_config(), pixels)
        made_of, mode, speeds = _ingredients(config, data, network, world, earlier, progress)
        progress.say(_mode_line(mode, speeds))
    facts = earlier.facts if earlier else _facts(config, data, cost.parameters, cost.macs, mode, speeds, world)
    if earlier and facts.data["fingerprint"] != data.fingerprint:
        raise UsageError(f"--resume {earlier.path}: {config.data} has changed since; start a new run with --from")
    run = Run(Path(config.out), config, facts)
    state = _state(config, network, mode, world)
    if world.leads and earlier is None:
        (run.path / LAST).unlink(missing_ok=True)
        run.write()
        run.write_splits(data.names, data.splits)
        save_state(state, run.path / LAST)
    if earlier:
        file = run.path / LAST
        load_state(state, world.told(file.read_bytes() if world.leads else b""), file)
    steps = max(1, round(len(data.train) / config.batch))
    log = tensorboard.writer(run.path) if world.leads else None
    with Progress(config.epochs, steps, quiet=not speak, tensorboard=log) as progress:
        progress.say(f"{len(data.train):,} images to train on, {len(made_of.val):,} to validate")
        train(state, config, made_of, run, progress, world)
    if world.leads:
        run = _finished(run, config, made_of, state, progress)
    return run


def _network(config: TrainConfig, pixels: PixelContract, classes: int) -> nn.Module:
    torch.manual_seed(config.seed)
    size = (pixels.height, pixels.width)
    return build(config.model, config.options, channels=pixels.channels, classes=classes, size=size)


def _start(network: nn.Module, config: TrainConfig, progress: Progress) -> None:
    if config.start:
        progress.say(f"from {config.start}: {start_from(network, config.start)}")
    if config.freeze:
        progress.say(f"frozen: {freeze(network, config.freeze):,} weights")


def _ingredients(
    config: TrainConfig, data: TrainData, network: nn.Module, world: World, earlier: Run | None, progress: Progress
) -> tuple[Ingredients, str, dict[str, float]]:
    """Everything the loop needs, and the mode that trains fastest: measured, or as the run has it."""
    counts = np.bincount(data.train.labels, minlength=len(data.classes))
    remedy = choose_remedy(counts, config.imbalance)
    if remedy.method != "none":
        progress.say(f"imbalance: {remedy.why}")
    task = task_builder(config.task)(
        data.classes,
        loss="focal" if remedy.method == "focal" else config.loss,
        focal_gamma=config.focal_gamma,
        label_smoothing=config.label_smoothing,
        class_weights=torch.from_numpy(class_weights(counts)) if remedy.method == "weights" else None,
    )
    mirror = augment.mirror_is_safe(data.classes) if config.mirror is None else config.mirror
    recipe, said = against_missing(augment.recipe(config.augment, mirror=mirror), data.train.images.masks)
    if said:
        progress.say(said)
    network.to(world.device)
    mode, speeds = _mode(config, data, network, task, world, earlier)
    if not len(data.val):
        progress.warn("no images are left to validate on: the scores are those of the training images")
    val = data.val if len(data.val) else data.train
    made_of = Ingredients(
        task,
        recipe,
        _feed(data.train, mode, world),
        _feed(val, mode, world),
        balanced=data.train.labels if remedy.method == "balanced" else None,
        distillation=_teacher(config, data, mode, world),
    )
    return made_of, mode, speeds


def _mode(
    config: TrainConfig, data: TrainData, network: nn.Module, task: Task, world: World, earlier: Run | None
) -> tuple[str, dict[str, float]]:
    if earlier:
        return str(earlier.facts.environment["precision"]), {}
    count = min(config.batch, len(data.train))
    feed = _feed(data.train, "float32", world)
    inputs, targets = feed.augmented(np.arange(count), task, augment.recipe("none"), config.seed, 0)
    mode, speeds = fastest(network, inputs, lambda outputs: task.loss(outputs, targets).mean(), config.precision)
    return world.told(mode), speeds


def _feed(part: Part, mode: str, world: World) -> Feed:
    """A split on the device that trains, where it fits there."""
    targets = torch.from_numpy(part.labels)
    if world.device.type == "cuda":
        size = int(np.prod(part.pictures.shape))
        if size < torch.cuda.mem_get_info(world.device)[0] // 2:
            pixels = torch.from_numpy(part.pictures.take(slice(None))).to(world.device)
            return Feed(pixels, targets.to(world.device), world.device, mode)
    return Feed(part.pictures, targets, world.device, mode)


def _teacher(config: TrainConfig, data: TrainData, mode: str, world: World) -> Distillation | None:
    if config.teacher is None:
        return None
    run = Run.open(config.teacher)
    if run.classes != data.classes:
        raise UsageError(f"--teacher {config.teacher}: knows other classes than {config.data}")
    if run.pixels != data.pixels:
        raise UsageError(
            f"--teacher {config.teacher}: looks at {run.pixels.width}×{run.pixels.height} {run.pixels.color} pictures,"
            f" this run at {data.pixels.width}×{data.pixels.height} {data.pixels.color}"
        )
    teacher = laid_out(run.model().to(world.device), mode).requires_grad_(requires_grad=False)
    return Distillation(teacher, config.teacher_share, config.teacher_temperature)


def _state(config: TrainConfig, network: nn.Module, mode: str, world: World) -> State:
    network = laid_out(network, mode)
    if world.size > 1:
        share_batch_norm(network)
    optimizer = make_optimizer(config.optimizer, network, rate=config.rate, momentum=config.momentum, l2=config.l2)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return State(network, optimizer, Average(network, config.ema) if config.ema else None)


def _facts(
    config: TrainConfig,
    data: TrainData,
    parameters: int,
    macs: int,
    mode: str,
    speeds: dict[str, float],
    world: World,
) -> RunFacts:
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
            "path": str(Path(config.data).resolve()) if Path(config.data).exists() else config.data,
            "format": data.images.format,
            "fingerprint": data.fingerprint,
            "images": {name: int((data.splits == name).sum()) for name in ("train", "val", "test")},
        },
        {"parameters": parameters, "macs": macs},
        environment,
    )


def _finished(run: Run, config: TrainConfig, made_of: Ingredients, state: State, progress: Progress) -> Run:
    """The run with what was measured of its best weights, in float32 on the CPU as they will be deployed."""
    task = made_of.task
    val = replace(made_of.val, mode="float32", device=torch.device("cpu"))
    outputs, answers = predict(run.model(), val), val.targets.cpu()
    calibration = task.calibrate(outputs, answers, config.false_accepts)
    progress.say(calibration.said)
    metrics: dict[str, Any] = {f"val_{k}": v for k, v in task.metrics(outputs, answers).items()}
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
    return run


def _mode_line(mode: str, speeds: dict[str, float]) -> str:
    measured = ", ".join(f"{name} {rate:,.0f}" for name, rate in speeds.items())
    return f"trains in {mode}" + (f" (images/s here: {measured})" if measured else "")
