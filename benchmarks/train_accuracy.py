"""What the kit's trainings reach: one row a network and data set, chosen on validation data, tested once.

    python benchmarks/train_accuracy.py --data DIR --runs DIR [ROW ...]

DIR holds mnist/, cifar10/, sign_digits/ and clothing10/. A row that was stopped goes on where it was; a finished one is
not trained again. Results are merged into results/train_accuracy.json after every training.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.preprocess import TensorContract, fit_frame, to_tensor
from edgelens.train import Run, TrainConfig, training
from edgelens.train.models.options import ModelOptions
from edgelens.train.optimize import allocator as memory
from edgelens.train.report.score import standard_error

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "train_accuracy.json"
TENSOR = TensorContract(layout="NCHW", dtype="float32", mean=(128.0,), std=(128.0,))


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    data: str
    bar: float  # per cent
    settings: Mapping[str, Any]
    options: ModelOptions = field(default_factory=ModelOptions)
    seeds: tuple[int, ...] = (0, 1, 2)
    folds: int = 0  # cross-validation: the figure is that of the folds
    asked_once: tuple[str, str] | None = None  # data and split of the figure; the run's own test split unless said
    start: str | None = None  # a row whose run gives the first weights
    teacher: str | None = None  # a row whose run teaches
    groups: bool = False  # split by who made the picture


MNIST: dict[str, Any] = {"val": 0.1, "augment": "none", "optimizer": "adam", "rate": 0.001, "warmup": 0.0}
CIFAR: dict[str, Any] = {
    "val": 0.05,
    "optimizer": "nesterov",
    "rate": 0.15,
    "l2": 2e-4,
    "warmup": 3.0,
    "ema": 0.9995,
    "batch": 128,
}
PHOTOS: dict[str, Any] = {"model": "lens-s", "size": (64, 64), "epochs": 60, "batch": 32, "ema": 0.99}
CLOTHING: dict[str, Any] = PHOTOS | {"augment": "default"}  # 96 × 96 validated 4 points worse

ROWS: dict[str, Row] = {
    "mnist-linear": Row(  # Adam at 64 a batch gave 92.32 % in validation and 91.85 in the test; this validates better
        "mnist",
        92.0,
        MNIST | {"model": "linear", "epochs": 30, "batch": 128, "optimizer": "nesterov", "rate": 0.02, "l2": 1e-4},
    ),
    "mnist-mlp": Row(
        "mnist", 98.3, MNIST | {"model": "mlp", "epochs": 20, "batch": 128}, ModelOptions(dense=512, dropout=0.3)
    ),
    "mnist-cnn-small": Row(
        "mnist", 99.0, MNIST | {"model": "cnn-small", "epochs": 10, "batch": 32}, ModelOptions(dense=128, dropout=0.5)
    ),
    "mnist-gru": Row("mnist", 98.8, MNIST | {"model": "gru", "epochs": 15, "batch": 128, "clip": 1.0, "rate": 0.002}),
    "mnist-vit-tiny": Row(
        "mnist",
        98.8,
        MNIST
        | {"model": "vit-tiny", "epochs": 25, "batch": 128, "optimizer": "adamw", "augment": "quick", "warmup": 2.0},
        ModelOptions(dropout=0.1),
    ),
    "mnist-cnn-small-best": Row(  # with dropout of .3 eight epochs validated .3 points worse
        "mnist",
        99.6,
        {"model": "cnn-small", "augment": "best", "epochs": 60, "batch": 128, "ema": 0.9995, "warmup": 2.0, "val": 0.1},
        ModelOptions(dense=128, dropout=0.0),
        seeds=(0,),
    ),
    "cifar10-resnet8": Row(
        "cifar10", 88.5, CIFAR | {"model": "resnet8", "augment": "quick", "epochs": 100}, seeds=(0,)
    ),
    "cifar10-lens-m": Row(
        "cifar10", 92.5, CIFAR | {"model": "lens-m", "augment": "default", "epochs": 50, "l2": 5e-4}, seeds=(0,)
    ),
    "cifar10-lens-s": Row(
        "cifar10",
        90.0,
        CIFAR | {"model": "lens-s", "augment": "quick", "epochs": 24},  # the shipped backbone
        seeds=(0,),
    ),
    "cifar10-lens-s-long": Row(
        "cifar10", 90.0, CIFAR | {"model": "lens-s", "augment": "quick", "epochs": 60}, seeds=(0,)
    ),
    "cifar10-lens-s-taught": Row(
        "cifar10",
        90.0,
        CIFAR | {"model": "lens-s", "augment": "quick", "epochs": 60, "rate": 0.1},
        seeds=(0,),
        start="cifar10-lens-s-long",
        teacher="cifar10-lens-m",
    ),
    "sign-digits": Row(
        "sign_digits",
        97.0,
        PHOTOS | {"augment": "default+camera", "mirror": True, "epochs": 40},
        seeds=(0,),
        folds=5,
        groups=True,
    ),
    "clothing10-scratch": Row(
        "clothing10/train", 68.0, CLOTHING | {"scratch": True}, seeds=(0,), folds=5, asked_once=("clothing10", "val")
    ),
    "clothing10-started": Row(
        "clothing10/train",
        68.0,
        CLOTHING,
        seeds=(0,),
        folds=5,
        asked_once=("clothing10", "val"),
        start="cifar10-lens-s",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=", ".join(ROWS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/train_accuracy"))
    parser.add_argument("--threads", type=int)
    parser.add_argument("--seed", type=int, help="only this seed")
    asked = parser.parse_args()
    memory.keep_large_blocks()
    for name in asked.rows or ROWS:
        row = ROWS[name]
        for seed in [asked.seed] if asked.seed is not None else row.seeds:
            result = measured(name, seed, asked.data, asked.runs, asked.threads)
            keep(name, seed, result)
            print(name, seed, json.dumps(result["figures"]), flush=True)
    print_table()


def measured(name: str, seed: int, data: Path, runs: Path, threads: int | None) -> dict[str, Any]:
    """Train a row (every fold of it), then ask the data that nothing was chosen on, once."""
    row = ROWS[name]
    config = replace(configured(name, seed, data, runs), threads=threads)
    figures: dict[str, Any] = {}
    made: list[Run] = []
    if row.folds:
        made = [
            trained(replace(config, folds=row.folds, fold=k, out=f"{config.out}-fold{k}")) for k in range(row.folds)
        ]
        shares = [100 * accuracy(run) for run in made]
        figures["cross_validation"] = statistics.mean(shares)
        figures["cross_validation_error"] = statistics.stdev(shares) / len(shares) ** 0.5
        figures["folds"] = shares
        figures["cross_validation_last_epoch"] = statistics.mean(100 * last_accuracy(run) for run in made)
    if not row.folds or row.asked_once:
        made.append(trained(config))
        figures["validation"] = 100 * accuracy(made[-1])
        images = load_images(data / row.asked_once[0]).split(row.asked_once[1]) if row.asked_once else None
        figures["test"], figures["test_error"] = tested(made[-1], images or made[-1].split("test"))
    run = made[-1]
    return {
        "figures": figures,
        "bar": row.bar,
        "minutes": round(sum(seconds(r) for r in made) / 60, 1),
        "parameters": run.facts.network["parameters"],
        "environment": {k: v for k, v in run.facts.environment.items() if k != "command"},
        "config": {k: v for k, v in asdict(config).items() if k not in ("data", "out", "groups", "start", "teacher")},
        "start": row.start,
        "teacher": row.teacher,
    }


def configured(name: str, seed: int, data: Path, runs: Path) -> TrainConfig:
    row = ROWS[name]
    config = TrainConfig(str(data / row.data), str(runs / f"{name}-{seed}"), options=row.options, seed=seed)
    return replace(
        config,
        start=str(runs / f"{row.start}-0") if row.start else None,
        teacher=str(runs / f"{row.teacher}-0") if row.teacher else None,
        groups=str(groups_file(data, runs)) if row.groups else None,
        **row.settings,
    )


def groups_file(data: Path, runs: Path) -> Path:
    file = runs / "signers.csv"
    runs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(HERE / "builtin" / "signers.py"), "--signs", str(data / "sign_digits")]
    subprocess.run([*command, "--out", str(file)], check=True)
    return file


def trained(config: TrainConfig) -> Run:
    """The run, from what is there of it."""
    if (Path(config.out) / "run.json").exists():
        return training.resume(config.out)
    return training.fit(config)


def tested(run: Run, images: ImageSet) -> tuple[float, float]:
    """Top-1 in per cent and its standard error, through the camera's pixel path, in float32."""
    network, right = run.model(), 0
    for rows in np.array_split(np.arange(len(images)), max(1, len(images) // 500)):
        pixels = np.stack([fit_frame(images.image(int(i)), run.pixels)[0] for i in rows])
        with torch.no_grad():
            logits = network(torch.from_numpy(to_tensor(pixels, TENSOR)))
        right += int((logits.argmax(1).numpy() == images.labels[rows]).sum())
    share = right / len(images)
    return 100 * share, 100 * standard_error(share, len(images))


def accuracy(run: Run) -> float:
    return float((run.facts.metrics or {})["val_accuracy"])


def last_accuracy(run: Run) -> float:
    """After the last epoch: free of the choice of the best one."""
    with (run.path / "metrics.csv").open() as stream:
        return float(list(csv.DictReader(stream))[-1]["val_accuracy"])


def seconds(run: Run) -> float:
    with (run.path / "metrics.csv").open() as stream:
        return sum(float(line["seconds"]) for line in csv.DictReader(stream))


def keep(name: str, seed: int, result: dict[str, Any]) -> None:
    """Merge one result into the committed file."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"machine": {}, "rows": {}}
    kept["machine"] = {"processor": platform.processor() or platform.machine(), "torch": torch.__version__}
    kept["rows"].setdefault(name, {})[str(seed)] = result
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


def print_table() -> None:
    kept = json.loads(RESULTS.read_text())["rows"]
    for name, seeds in kept.items():
        row = ROWS[name]
        figure = "cross_validation" if row.folds else "test"
        values = [result["figures"][figure] for result in seeds.values()]
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        minutes = statistics.mean(result["minutes"] for result in seeds.values())
        print(f"{name:22} {statistics.mean(values):6.2f}{spread} %  bar {row.bar}  {minutes:.0f} min  {figure}")


if __name__ == "__main__":
    main()
