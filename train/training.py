"""From a configuration to a finished run."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import WorkError
from edgelens.runtime.preprocess import PixelContract, fit as fit_pixels
from edgelens.version import __version__

from .average import Average
from .config import TrainConfig
from .feed import Feed
from .loop import State, predict, train
from .models.catalog import build
from .models.cost import cost_of
from .optimizers import make_optimizer
from .progress import Progress
from .run import Run, RunFacts

__all__ = ["fit"]


def fit(config: TrainConfig, *, quiet: bool = False) -> Run:
    """Train a network as the configuration says and return its run."""
    folder = Path(config.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkError(f"{folder}: cannot be made ({error.strerror})") from None
    if config.threads:
        torch.set_num_threads(config.threads)
    images = _split(load_images(config.data, format=config.format), config)
    pixels = _pixels(images, config)
    torch.manual_seed(config.seed)
    network = build(
        config.model,
        config.options,
        channels=pixels.channels,
        classes=len(images.classes),
        size=(pixels.height, pixels.width),
    )
    cost = cost_of(network, pixels.channels, (pixels.height, pixels.width))
    facts = RunFacts(
        images.classes,
        pixels,
        {"path": config.data, "format": images.format, "fingerprint": ""},
        {"parameters": cost.parameters, "macs": cost.macs},
        {"edgelens": __version__, "torch": torch.__version__, "python": platform.python_version()},
    )
    run = Run(folder, config, facts)
    run.write()
    run.write_splits(list(images.names), images.splits)
    data, val = (_feed(images.split(name), pixels) for name in ("train", "val"))
    network = network.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(config.optimizer, network, rate=config.rate, momentum=config.momentum, l2=config.l2)
    state = State(network, optimizer, Average(network, config.ema) if config.ema else None)
    with Progress(config.epochs, max(1, round(len(data) / config.batch)), quiet=quiet) as progress:
        progress.say(f"{config.model}: {cost}; {len(data):,} images to train on, {len(val):,} to validate")
        train(state, config, data, val, run, progress)
    logits = predict(run.model(), val)
    metrics = {"val_accuracy": state.best}
    run = replace(run, facts=replace(facts, temperature=_temperature(logits, val.labels), metrics=metrics))
    run.write()
    return run


def _split(images: ImageSet, config: TrainConfig) -> ImageSet:
    """The set with a validation split, taken from the training samples where it has none."""
    splits = images.splits.astype("<U5")
    splits[splits == ""] = "train"
    if not (splits == "val").any():
        rows = np.random.default_rng(config.seed).permutation(np.flatnonzero(splits == "train"))
        splits[rows[: max(1, round(len(rows) * config.val_fraction))]] = "val"
    return replace(images, splits=splits)


def _pixels(images: ImageSet, config: TrainConfig) -> PixelContract:
    stored = images.pixels
    height, width = config.size or (stored.shape[1:3] if stored is not None else (96, 96))
    gray = config.color == "gray" or (config.color is None and stored is not None and stored.ndim == 3)
    return PixelContract(height, width, "gray" if gray else "rgb")


def _feed(images: ImageSet, pixels: PixelContract) -> Feed:
    pictures: NDArray[np.uint8] = np.stack([fit_pixels(images.image(i), pixels)[0] for i in range(len(images))])
    return Feed(pictures, images.labels, len(images.classes))


def _temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature with the smallest cross-entropy."""
    candidates = torch.logspace(-1, 1, 201)
    losses = [float(torch.nn.functional.cross_entropy(logits / t, labels)) for t in candidates]
    return float(candidates[int(np.argmin(losses))])
