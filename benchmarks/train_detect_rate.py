"""What a detector's augmentation costs beside its step, and how long the mAP of 1,000 pictures takes.

    python benchmarks/train_detect_rate.py [--model lens-det-s] [--recipes default best] [--out FILE.json]

One thread, its own processor time, so that what else runs here does not count. Each round learns a few batches of 16
pictures of 320 × 320, with 12 boxes each, that are augmented already, and then augments and learns as many; the ratio
is the median over rounds. The bar is .85. Then the boxes of 1,000 pictures are measured as a validation does it, with
100 found in each; the bar is one second.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgelens.runtime.metrics.detection import Boxes, average_precision
from edgelens.runtime.preprocess import PixelContract
from edgelens.train import TrainConfig
from edgelens.train.augment import Recipe
from edgelens.train.batches import Batches
from edgelens.train.data.targets import RaggedTargets
from edgelens.train.optimize.allocator import keep_large_blocks
from edgelens.train.optimize.optimizers import make_optimizer
from edgelens.train.optimize.precision import autocast, fastest, laid_out
from edgelens.train.task import Task, by_name
from edgelens.train.tasks.catalog import make_network, make_task

RESULTS = Path(__file__).resolve().parent / "results" / "train_detect_rate.json"
SIDE, BATCH, IMAGES, BOXES, CLASSES = 320, 16, 160, 12, ("a", "b", "c")
ROUNDS, STEPS = 7, 3
MEASURED, FOUND = 1000, 100  # pictures, boxes found in each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="lens-det-s")
    parser.add_argument("--recipes", nargs="+", default=["default", "best"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_large_blocks()
    config = TrainConfig("", "", task="detect", model=options.model)
    task = make_task(config, CLASSES)
    network = make_network(config, CLASSES, PixelContract(SIDE, SIDE, "rgb", "letterbox"))
    found: dict[str, Any] = {"model": options.model, "recipes": {}}
    for name in options.recipes:
        found["recipes"][name] = beside_bare(network, task, task.recipes[name])
        print(name, json.dumps(found["recipes"][name]), flush=True)
    found["map_of_1000_s"] = map_seconds()
    print(f"mAP of {MEASURED:,} pictures: {found['map_of_1000_s']} s (bar 1)")
    options.out.write_text(json.dumps(found, indent=1) + "\n")


def beside_bare(network: torch.nn.Module, task: Task, recipe: Recipe) -> dict[str, Any]:
    """Milliseconds a picture of the step alone and of augmentation with it, and their ratio."""
    draw = np.random.default_rng(0)
    pixels = torch.from_numpy(draw.integers(0, 256, (IMAGES, SIDE, SIDE, 3), np.uint8))
    feed = Batches(pixels, truth(draw))
    inputs, targets = feed.augmented(np.arange(BATCH), task, recipe, 0, 0)
    mode, _ = fastest(network.train(), inputs, lambda raw: task.loss(by_name(raw, task.outputs), targets).mean())
    feed, network = Batches(pixels, feed.targets, mode=mode), laid_out(network, mode)
    ready = laid_out(inputs, mode)
    optimizer = make_optimizer("adamw", network)

    def learn(batch: tuple[torch.Tensor, Any]) -> None:
        with autocast(mode, batch[0].device):
            outputs = network(batch[0])
        loss = task.loss({k: v.float() for k, v in by_name(outputs, task.outputs).items()}, batch[1]).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    bare, both = [], []
    for number in range(ROUNDS):
        rows = [(number * STEPS + i) * BATCH % IMAGES + np.arange(BATCH) for i in range(STEPS)]
        bare.append(spent(lambda _: learn((ready, targets)), rows))
        both.append(spent(lambda each, epoch=number: learn(feed.augmented(each, task, recipe, 0, epoch)), rows))
    return {
        "mode": mode,
        "step_ms": round(statistics.median(bare), 2),
        "augmented_ms": round(statistics.median(both), 2),
        "ratio": round(statistics.median(a / b for a, b in zip(bare, both, strict=True)), 3),
    }


def spent(work: Callable[[Any], None], batches: list[Any]) -> float:
    """Milliseconds of processor time a picture."""
    began = time.process_time()
    for each in batches:
        work(each)
    return 1e3 * (time.process_time() - began) / (len(batches) * BATCH)


def truth(draw: np.random.Generator) -> RaggedTargets:
    """As many boxes in each picture, of all sizes."""
    corners = draw.uniform(0, SIDE - 20, (IMAGES * BOXES, 2))
    boxes = np.concatenate([corners, np.minimum(corners + draw.uniform(10, 120, corners.shape), SIDE)], 1)
    columns = {
        "boxes": torch.from_numpy(boxes.astype(np.float32)),
        "labels": torch.from_numpy(draw.integers(0, len(CLASSES), len(boxes))),
        "crowd": torch.zeros(len(boxes), dtype=torch.bool),
    }
    return RaggedTargets(columns, torch.arange(IMAGES + 1) * BOXES)


def map_seconds() -> float:
    """Seconds of processor time for the scores of all ten thresholds."""
    draw = np.random.default_rng(0)
    corners = draw.uniform(0, 280, (MEASURED * BOXES, 2))
    real = np.concatenate([corners, draw.uniform(10, 80, corners.shape)], 1)
    images, labels = np.repeat(np.arange(MEASURED), BOXES), draw.integers(0, len(CLASSES), len(real))
    near = real + draw.normal(0, 4, real.shape) * (1, 1, 0.5, 0.5)  # as after suppression: each thing once, and others
    others = draw.uniform(0, 280, (MEASURED * (FOUND - BOXES), 2))
    wrong = np.concatenate([others, draw.uniform(10, 80, others.shape)], 1)
    seen = Boxes(
        np.concatenate([images, np.repeat(np.arange(MEASURED), FOUND - BOXES)]),
        np.concatenate([labels, draw.integers(0, len(CLASSES), len(wrong))]),
        np.concatenate([near, wrong]),
        scores=np.concatenate([draw.uniform(0.2, 1, len(near)), draw.uniform(0, 0.5, len(wrong))]),
    )
    began = time.process_time()
    average_precision(Boxes(images, labels, real), seen, len(CLASSES), ("all",))
    return round(time.process_time() - began, 2)


if __name__ == "__main__":
    main()
