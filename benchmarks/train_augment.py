"""The input pipeline alone against the network it feeds: uint8 pictures in memory → augmented batches, by recipe.

    python benchmarks/train_augment.py [--images 20000] [--rounds 7] [--threads N] [--out FILE.json]

Each round makes batches of 256 by one recipe after the other and trains resnet8 for as many batches on pictures that
are augmented already, in the mode that is fastest here; the ratio is the median over rounds of their paired rates. The
bar: `default` makes at least 3 times as many pictures as resnet8 takes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgelens.train import TrainConfig, augment
from edgelens.train.batches import Batches, epoch_batches
from edgelens.train.data.targets import DenseTargets
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions
from edgelens.train.optimize.allocator import keep_large_blocks
from edgelens.train.optimize.optimizers import make_optimizer
from edgelens.train.optimize.precision import autocast, fastest, laid_out
from edgelens.train.task import by_name
from edgelens.train.tasks.catalog import make_task

BATCH, SIDE, CLASSES = 256, 32, tuple("0123456789")
RECIPES = ("none", "quick", "default", "best", "default+camera", "best+camera")


def rate(step: Callable[[int], Any], batches: int) -> float:
    """Pictures per second of a step that is given the batch's number."""
    step(0)
    start = time.perf_counter()
    for i in range(batches):
        step(i)
    return batches * BATCH / (time.perf_counter() - start)


def trainer(task: Any) -> tuple[Callable[[int], Any], str]:
    """A training step of resnet8 on pictures that wait in memory."""
    torch.manual_seed(0)
    network = build("resnet8", ModelOptions(), channels=3, classes=10, size=(SIDE, SIDE)).train()
    inputs = torch.rand(BATCH, 3, SIDE, SIDE) * 2 - 1
    targets = torch.eye(10)[torch.arange(BATCH) % 10]
    mode, _ = fastest(network, inputs, lambda raw: task.loss(by_name(raw, task.outputs), targets).mean())
    network, inputs = laid_out(network, mode), laid_out(inputs, mode)
    optimizer = make_optimizer("adamw", network)

    def step(_: int) -> None:
        with autocast(mode, inputs.device):
            loss = task.loss(by_name(network(inputs), task.outputs), targets).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step, mode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    keep_large_blocks()
    task = make_task(TrainConfig("", ""), CLASSES)
    draw = np.random.default_rng(0)
    pixels = torch.from_numpy(draw.integers(0, 256, (options.images, SIDE, SIDE, 3), np.uint8))
    train_step, mode = trainer(task)
    feed = Batches(pixels, DenseTargets(torch.arange(options.images) % 10), mode=mode)
    batches = epoch_batches(options.images, BATCH, 0, 0)
    recipes = {name: augment.recipe(name) for name in RECIPES}
    rates: dict[str, list[float]] = {name: [] for name in ("resnet8", *RECIPES)}
    for number in range(options.rounds):
        rates["resnet8"].append(rate(train_step, options.batches))
        for name, recipe in recipes.items():

            def step(i: int, recipe: augment.Recipe = recipe, epoch: int = number) -> None:
                feed.augmented(batches[i % len(batches)], task, recipe, 0, epoch)

            rates[name].append(rate(step, options.batches))
    ratios = {
        name: round(statistics.median(a / b for a, b in zip(rates[name], rates["resnet8"], strict=True)), 2)
        for name in RECIPES
    }
    found = {
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "mode": mode,
        "images_per_s": {name: round(statistics.median(each)) for name, each in rates.items()},
        "ratio_to_resnet8": ratios,
    }
    for name, value in found["images_per_s"].items():
        print(f"{name:16} {value:>9,} images/s" + (f"  {ratios[name]:>6.2f} × resnet8" if name in ratios else ""))
    print(f"default: {ratios['default']} (bar 3); resnet8 trains in {mode}, {found['threads']} threads, {found['cpu']}")
    if options.out:
        Path(options.out).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
