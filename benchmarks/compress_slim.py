"""What lite0 loses when it is slimmed, and what a small network gains when lite0 teaches it, on few photos.

    python benchmarks/compress_slim.py --data DIR [--folds 0 1 2 3 4] [--seed 0] [--only prune|teach|front]

DIR holds clothing10/. For each fold of its training photos a head on lite0 is trained on the rest. Then it is pruned to
a half and to a quarter of its multiply-adds as `edgelens compress --prune` does it, learning from what it was; and
`lens-m` learns from it (`--teacher`) and from random weights. So do its own first stages (`lite0-16`), pruned to half:
under 512 KB, too. All are asked about the fold. Results, pooled over what was trained so far, are merged into
results/compress_slim.json after every one.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn
from train_promise import FOLDS, shared_out

from edgelens.compress.config import CompressConfig
from edgelens.compress.ingredients import Ingredients, ingredients_of
from edgelens.compress.learn.finetune import finetune
from edgelens.compress.learn.lesson import lesson_of
from edgelens.compress.prune.channels import macs_of
from edgelens.compress.prune.iterative import PruneConfig, prune
from edgelens.runtime.datasets.catalog import load_images
from edgelens.train import Run, TrainConfig, fit
from edgelens.train.data.splits import folds
from edgelens.train.optimize import allocator as memory

RESULTS = Path(__file__).resolve().parent / "results" / "compress_slim.json"
SHARES = (0.5, 0.25)
WAYS = ("prune", "teach", "front")
STUDENT: dict[str, Any] = {"model": "lens-m", "size": (96, 96), "epochs": 60, "batch": 32, "ema": 0.99}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--folds", type=int, nargs="+", default=list(range(FOLDS)))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=float, default=30, help="of recovery after a pruning")
    parser.add_argument("--only", choices=WAYS)
    options = parser.parse_args()
    memory.keep_large_blocks()
    photos = options.data / "clothing10" / "train"
    images = load_images(photos)
    files = [photos / name for name in images.names]
    fold_of = folds(images.labels, images.names, FOLDS, 0)
    with tempfile.TemporaryDirectory() as scratch:
        for fold in options.folds:
            data = Path(scratch) / f"fold-{fold}"
            shared_out(files, fold_of == fold, data)
            config = TrainConfig(
                str(data), str(data / "lite0"), model="lite0", minutes=0.0, size=(options.size,) * 2, seed=options.seed
            )
            teacher = fit(config, quiet=True)
            merged(f"lite0 at {options.size}", fold, options.seed, asked(teacher))
            if options.only in (None, "prune"):
                for name, row in slimmed(teacher, options.epochs, options.seed):
                    merged(name, fold, options.seed, row)
            if options.only in (None, "teach"):
                for name, row in taught(teacher, config):
                    merged(name, fold, options.seed, row)
            if options.only in (None, "front"):
                for name, row in fronts(teacher, config, options.epochs):
                    merged(name, fold, options.seed, row)


def slimmed(run: Run, epochs: float, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The run's network at every share of its multiply-adds."""
    made_of = ingredients_of(run, CompressConfig())
    lesson = lesson_of(run, made_of.training_pictures(seed), made_of.pixels)
    for share in SHARES:
        began, config = time.process_time(), pruning_to(share, epochs, seed)
        smaller = prune(made_of.network, made_of.network, made_of.pixels, lesson, config)
        row = right_of(made_of, smaller) | {"epochs": epochs, "cpu_s": round(time.process_time() - began)}
        yield f"pruned to {share:g}", row


def taught(teacher: Run, config: TrainConfig) -> Iterator[tuple[str, dict[str, Any]]]:
    """A small network that learns from the run, and its twin that is left alone."""
    for name, learning in (("taught", {"teacher": str(teacher.path)}), ("from scratch", {"scratch": True})):
        began = time.process_time()
        out = str(Path(config.out).with_name(name.replace(" ", "-")))
        run = fit(replace(config, out=out, minutes=None, **STUDENT, **learning), quiet=True)
        yield f"{STUDENT['model']} {name}", asked(run) | {"cpu_s": round(time.process_time() - began)}


def fronts(teacher: Run, config: TrainConfig, epochs: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """The first stages alone, pruned to half, that learn from the run; and their like from random weights."""
    student = fit(replace(config, out=str(Path(config.out).with_name("front")), model="lite0-16"), quiet=True)
    made_of = ingredients_of(student, CompressConfig())
    lesson = lesson_of(student, made_of.training_pictures(config.seed), made_of.pixels)
    known = ingredients_of(teacher, CompressConfig()).network
    began, pruning = time.process_time(), pruning_to(SHARES[0], epochs, config.seed)
    smaller = prune(made_of.network, known, made_of.pixels, lesson, pruning)
    row = {"parameters": sum(value.numel() for value in smaller.parameters()), "epochs": epochs}
    spent = round(time.process_time() - began)
    yield f"lite0-16 pruned to {SHARES[0]:g}, taught", right_of(made_of, smaller) | row | {"cpu_s": spent}
    began = time.process_time()
    for module in smaller.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    alone = finetune(smaller.train(), None, lesson, pruning.tuning).eval()
    spent = round(time.process_time() - began)
    yield f"lite0-16 pruned to {SHARES[0]:g}, from scratch", right_of(made_of, alone) | row | {"cpu_s": spent}


def pruning_to(share: float, epochs: float, seed: int) -> PruneConfig:
    """A pruning that leaves a share of the multiply-adds and then learns for so long."""
    config = PruneConfig(share)
    return replace(config, tuning=replace(config.tuning, epochs=epochs, least_steps=0, seed=seed))


def asked(run: Run) -> dict[str, Any]:
    """What a run says of the photos that it has not seen."""
    made_of = ingredients_of(run, CompressConfig())
    return right_of(made_of, made_of.network)


def right_of(made_of: Ingredients, network: nn.Module) -> dict[str, Any]:
    """How many of the held photos a network names, and what it computes for one."""
    assert " test images of" in made_of.evaluated_on
    held = made_of.evaluation
    found: NDArray[Any] = made_of.answers(network, held.pixels)["logits"].argmax(1) == held.labels
    return {"right": int(found.sum()), "asked": len(found), "multiply_adds": macs_of(network, made_of.pixels)}


def merged(name: str, fold: int, seed: int, row: dict[str, Any]) -> None:
    """Put a figure beside the others, and what they are together."""
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    entry = results.setdefault(name, {"trained": {}})
    entry["trained"][f"fold {fold}, seed {seed}"] = row
    rows = list(entry["trained"].values())
    entry["accuracy"] = round(100 * sum(each["right"] for each in rows) / sum(each["asked"] for each in rows), 2)
    entry["multiply_adds"] = round(float(np.mean([each["multiply_adds"] for each in rows])))
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    print(name, fold, json.dumps(row), entry["accuracy"], flush=True)


if __name__ == "__main__":
    main()
