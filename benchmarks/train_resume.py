"""Resume after many random `kill -9`, and two processes against one: the same weights, the same curve.

    python benchmarks/train_resume.py DATA [--kills 20] [--out FILE.json]

DATA is MNIST's folder or any other set. The killed training must end with bit-identical weights; the training of two
processes must have the losses of one within 1e-3 for its first 100 steps (cnn-small, float32, constant rate .01).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from edgelens.train import Run

RESULTS = Path(__file__).resolve().parent / "results" / "train_resume.json"
TRAIN = [sys.executable, "-m", "edgelens", "train"]


def resume(data: str, folder: Path, kills: int) -> dict[str, Any]:
    options = [
        *("--model", "cnn-small", "--dropout", ".3", "--ema", ".99", "--recipe", "best", "--epochs", "3"),
        *("--batch", "64", "--threads", "1", "--precision", "float32", "--checkpoint-s", ".5", "--quiet"),
    ]
    subprocess.run([*TRAIN, data, "--out", str(folder / "whole"), *options], check=True, stdout=subprocess.DEVNULL)
    chance, done, killed = random.Random(0), 0, folder / "killed"
    while True:
        there = (killed / "last.pt").exists()
        command = (
            [*TRAIN, "--resume", str(killed), "--quiet"] if there else [*TRAIN, data, "--out", str(killed), *options]
        )
        process = subprocess.Popen(command if there else [*command, "--overwrite"], stdout=subprocess.DEVNULL)
        try:
            process.wait(chance.uniform(3, 14) if done < kills else None)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            done += 1
            continue
        break
    assert process.returncode == 0
    a, b = (Run.open(folder / name).model().state_dict() for name in ("whole", "killed"))
    return {"kills": done, "identical": all(torch.equal(a[name], b[name]) for name in a)}


def processes(data: str, folder: Path) -> dict[str, Any]:
    options = [
        *(data, "--model", "cnn-small", "--epochs", "1", "--batch", "512", "--optimizer", "sgd", "--rate", ".01"),
        *("--schedule", "constant", "--warmup", "0", "--ema", "0", "--augment", "none", "--precision", "float32"),
        *("--threads", "1", "--quiet"),
    ]
    pair = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "edgelens"]
    start = time.perf_counter()
    subprocess.run([*TRAIN, *options, "--out", str(folder / "one")], check=True, stdout=subprocess.DEVNULL)
    middle = time.perf_counter()
    subprocess.run([*pair, "train", *options, "--out", str(folder / "two")], check=True, stdout=subprocess.DEVNULL)
    end = time.perf_counter()
    one, two = (losses(folder / name) for name in ("one", "two"))
    furthest = max(abs(a - b) / a for a, b in zip(one[:100], two[:100], strict=True))
    return {
        "steps": min(len(one), 100),
        "largest_relative_difference": furthest,
        "bar": 1e-3,
        "seconds": [middle - start, end - middle],
    }


def losses(run: Path) -> list[float]:
    with (run / "steps.csv").open() as stream:
        return [float(row["loss"]) for row in csv.DictReader(stream)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        found = {"two processes": processes(options.data, Path(folder))}
        print(found, flush=True)
        found["resume"] = resume(options.data, Path(folder), options.kills)
    print(found)
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
