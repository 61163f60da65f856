"""Two processes train as one: the same global batches give the same curve."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from edgelens.train import Run, TrainConfig, fit
from edgelens.train.optimize.distributed import World


def losses(run: Path) -> list[float]:
    with (run / "steps.csv").open() as stream:
        return [float(row["loss"]) for row in csv.DictReader(stream)]


@pytest.mark.parametrize(("images", "most"), [(47, 32), (190, 128), (64, 64), (5, 2)])
def test_every_process_takes_as_many_steps_over_its_share(images: int, most: int) -> None:
    rows = np.arange(images)
    parts = [World(rank, 2).parts(rows, most) for rank in range(2)]
    assert len(parts[0]) == len(parts[1])
    assert np.concatenate([part for own in parts for part in own]).tolist() == rows.tolist()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_learn_as_one(digits: Path, tmp_path: Path) -> None:
    """With batch normalisation, whose statistics must be those of the global batch."""
    alone, pair = tmp_path / "alone", tmp_path / "pair"
    config = TrainConfig(
        str(digits),
        str(alone),
        model="resnet8",
        epochs=1,
        batch=64,
        optimizer="sgd",
        rate=0.01,
        schedule="constant",
        warmup=0,
        precision="float32",
        augment="quick",
        threads=1,
    )
    fit(config, quiet=True)
    options = [
        *(str(digits), "--out", str(pair), "--model", "resnet8", "--epochs", "1", "--batch", "64"),
        *("--optimizer", "sgd", "--rate", ".01", "--schedule", "constant", "--warmup", "0", "--ema", "0"),
        *("--precision", "float32", "--augment", "quick", "--threads", "1", "--quiet"),
    ]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    together = subprocess.run(
        [*torchrun, "-m", "edgelens", "train", *options],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert together.returncode == 0, together.stderr
    assert together.stdout.count(") right on ") == 1  # only the first process speaks
    single, double = losses(alone), losses(pair)
    assert len(single) == len(double) == 24
    assert max(abs(a - b) / a for a, b in zip(single, double, strict=True)) < 1e-3
    one, two = (next(csv.DictReader((run / "metrics.csv").read_text().splitlines())) for run in (alone, pair))
    assert float(two["val_loss"]) == pytest.approx(float(one["val_loss"]), rel=0.02), "each measured its share"
    assert float(two["val_accuracy"]) == pytest.approx(float(one["val_accuracy"]), abs=0.02)
    a, b = Run.open(alone), Run.open(pair)
    assert b.facts.environment["processes"] == 2
    for one, other in zip(a.model().modules(), b.model().modules(), strict=True):
        if isinstance(one, torch.nn.BatchNorm2d):
            assert torch.allclose(one.running_mean, other.running_mean, atol=1e-3)
            assert torch.allclose(one.running_var, other.running_var, rtol=1e-2)
