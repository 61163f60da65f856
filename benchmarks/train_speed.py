"""Training images per second, augmentation included, against a plain PyTorch loop and one tuned by hand.

    python benchmarks/train_speed.py [--rounds 5] [--steps 12] [--threads N] [--out FILE.json]

Every round runs all contenders in turn, each in its own process; ratios are within a round, medians over the rounds.
(a) plain: float32, a DataLoader that reads and augments picture by picture, as tutorials write it. (b) tuned: tensors
in memory, augmentation on whole batches, channels-last, bfloat16 autocast, no checks. ours: the kit's own loop
through `train()`, gradient watch and all. The bars: 2.5 × (a) and 0.9 × (b) for resnet8, 6 × (a) for it twice as wide,
and an input pipeline of 3 × the network's rate.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from edgelens.train import augment
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions
from edgelens.train.optimize import allocator as memory

BATCH, SIDE = 256, 32
BARS = {"ours / plain": 2.5, "ours / tuned": 0.9, "ours / plain, wide": 6.0, "input / ours": 3.0}
RESULTS = Path(__file__).resolve().parent / "results" / "train_speed.json"


def pictures(count: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8), draw.integers(0, 10, count)


def network(width: float) -> nn.Module:
    torch.manual_seed(0)
    return build("resnet8", ModelOptions(width=width), channels=3, classes=10, size=(SIDE, SIDE)).train()


class OneByOne(Dataset[tuple[Tensor, int]]):
    """Flip and shift a picture at a time, normalise it: what a first PyTorch program does."""

    def __init__(self, count: int) -> None:
        self.pixels, self.labels = pictures(count)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        image = torch.from_numpy(self.pixels[i]).permute(2, 0, 1).float()
        if torch.rand(()) < 0.5:
            image = image.flip(2)
        padded = F.pad(image, (4, 4, 4, 4))
        top, left = (int(v) for v in torch.randint(0, 9, (2,)))
        return (padded[:, top : top + SIDE, left : left + SIDE] - 128) / 128, int(self.labels[i])


def plain(width: float, steps: int) -> float:
    """(a): images a second."""
    model = network(width)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, 0.9, weight_decay=5e-4)
    loader = DataLoader(OneByOne(BATCH * (steps + 2)), BATCH, shuffle=True, drop_last=True)
    times = [time.perf_counter()]
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        times.append(time.perf_counter())
    return rate(times)


def tuned(width: float, steps: int) -> float:
    """(b): images a second."""
    memory.keep_large_blocks()
    model = network(width).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, 0.9, weight_decay=5e-4)
    raw, answers = pictures(BATCH * 16)
    pixels, labels = torch.from_numpy(raw), torch.from_numpy(answers)
    recipe = augment.recipe("quick")
    times = [time.perf_counter()]
    for step in range(steps + 2):
        rows = torch.randint(0, len(labels), (BATCH,))
        inputs, targets = augment.apply(
            recipe, pixels[rows].permute(0, 3, 1, 2), labels[rows], seed=0, epoch=step, samples=rows, classes=10
        )
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        times.append(time.perf_counter())
    return rate(times)


def ours(width: float, steps: int) -> float:
    """The kit: images a second in its own second epoch, as `metrics.csv` says."""
    from edgelens.train import TrainConfig, fit

    memory.keep_large_blocks()
    with tempfile.TemporaryDirectory() as folder:
        images, labels = pictures(BATCH * steps + BATCH)
        np.savez(Path(folder) / "data.npz", images=images, labels=labels)
        config = TrainConfig(
            f"{folder}/data.npz",
            f"{folder}/run",
            model="resnet8",
            options=ModelOptions(width=width),
            augment="quick",
            epochs=3,
            batch=BATCH,
            optimizer="momentum",
            val=1 / (steps + 1),
            threads=torch.get_num_threads(),
            cache=folder,
        )
        run = fit(config, quiet=True)
        rows = (run.path / "metrics.csv").read_text().splitlines()
        at = rows[0].split(",").index("images_per_s")
        return max(float(row.split(",")[at]) for row in rows[2:])


def pipeline(_width: float, steps: int) -> float:
    """The input pipeline alone: rows picked and augmented by the `default` recipe."""
    raw, answers = pictures(BATCH * 16)
    pixels, labels = torch.from_numpy(raw), torch.from_numpy(answers)
    recipe = augment.recipe("default")
    times = [time.perf_counter()]
    for step in range(steps + 2):
        rows = torch.randint(0, len(labels), (BATCH,))
        batch = pixels[rows].permute(0, 3, 1, 2)
        augment.apply(recipe, batch, labels[rows], seed=0, epoch=step, samples=rows, classes=10)
        times.append(time.perf_counter())
    return rate(times)


CONTENDERS = {"plain": plain, "tuned": tuned, "ours": ours, "input": pipeline}


def rate(times: list[float]) -> float:
    """Images a second, the first two steps left out: kernels warm up in them."""
    return BATCH * (len(times) - 3) / (times[-1] - times[2])


def alone(name: str, width: float, options: argparse.Namespace) -> float:
    """One contender in a process of its own."""
    command = [sys.executable, __file__, "--one", name, "--width", str(width), "--steps", str(options.steps)]
    command += ["--threads", str(options.threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--one", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--width", type=float, default=1.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.one:
        print(CONTENDERS[options.one](options.width, options.steps))
        return
    rounds = []
    for number in range(options.rounds):
        found = {name: alone(name, 1.0, options) for name in CONTENDERS}
        found |= {f"{name}, wide": alone(name, 2.0, options) for name in ("plain", "ours")}
        rounds.append(found)
        print(number, {name: round(value) for name, value in found.items()}, flush=True)
    ratios = {bar: statistics.median(ratio(found, bar) for found in rounds) for bar in BARS}
    for bar, value in ratios.items():
        print(f"{bar:22} {value:5.2f}  bar {BARS[bar]}  {'reached' if value >= BARS[bar] else 'MISSED'}")
    flags = cpu_flags()
    facts = {"threads": options.threads, "flags": flags, "torch": torch.__version__, "machine": platform.machine()}
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps({"facts": facts, "bars": BARS, "ratios": ratios, "rounds": rounds}, indent=1))


def ratio(found: dict[str, float], bar: str) -> float:
    names, _, kind = bar.partition(", ")
    over, under = names.split(" / ")
    suffix = f", {kind}" if kind else ""
    return found[over + suffix] / found[under + suffix]


def cpu_flags() -> list[str]:
    """What of the instruction set decides these figures."""
    info = Path("/proc/cpuinfo")
    there = set(info.read_text().split()) if info.exists() else set()
    return sorted(there & {"avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "asimd", "bf16"})


if __name__ == "__main__":
    main()
