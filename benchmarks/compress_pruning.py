"""Pruning to half the multiply-adds with distillation: points lost on the test images, and float32 TFLite speed.

python benchmarks/compress_pruning.py runs/resnet8 --epochs 60 --teacher runs/lens-m
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

from compress_pairs import paired

from edgelens.compress.config import CompressConfig
from edgelens.compress.export.exported import export, float_artifacts
from edgelens.compress.ingredients import ingredients_of
from edgelens.compress.learn.distill import load_teacher
from edgelens.compress.learn.finetune import FineTune
from edgelens.compress.learn.lesson import lesson_of
from edgelens.compress.network.graph import trace
from edgelens.compress.prune.channels import macs_of
from edgelens.compress.prune.iterative import PruneConfig, prune
from edgelens.compress.timing.timing import time_artifacts
from edgelens.train.optimize import allocator as memory
from edgelens.train.runs.run import Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--macs", type=float, default=0.5)
    parser.add_argument("--importance", default="magnitude")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=30)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--teacher")
    parser.add_argument("--json")
    options = parser.parse_args()
    memory.keep_large_blocks()
    run = Run.open(options.run)
    made_of = ingredients_of(run, CompressConfig())
    lesson = lesson_of(run, made_of.training_pictures(), made_of.pixels)
    teacher = load_teacher(options.teacher, run) if options.teacher else made_of.network
    tuning = FineTune(epochs=options.epochs, rate=options.rate, features=0.5)
    config = PruneConfig(options.macs, options.importance, options.rounds, tuning=tuning)
    start = time.perf_counter()
    smaller = prune(run.model(), teacher, run.pixels, lesson, config, progress=print)
    held = made_of.evaluation
    networks = (made_of.network, smaller)
    right = [made_of.answers(network, held.pixels)["logits"].argmax(1) == held.labels for network in networks]
    files = []
    for name, network in (("whole", made_of.network), ("pruned", smaller)):
        exported = export(network, trace(network, run.pixels), run.pixels, outputs=("logits",), formats=("tflite",))
        files.append(dataclasses.replace(float_artifacts(exported)[0], precision=name))
    timings = time_artifacts(files, made_of.golden.pictures[0], rounds=60)
    result: dict[str, Any] = {
        "model": run.config.model,
        "on": made_of.evaluated_on,
        "multiply_adds": [macs_of(network, run.pixels) for network in (made_of.network, smaller)],
        "accuracy": paired(right[0], right[1]),
        "float32 tflite speed-up": timings[files[0].path].ratio(timings[files[1].path]),
        "seconds": time.perf_counter() - start,
        "config": {
            "run": Path(options.run).name,
            "teacher": Path(options.teacher).name if options.teacher else "the uncompressed network",
            **{key: getattr(options, key) for key in ("macs", "importance", "rounds", "epochs", "rate")},
        },
    }
    where = options.json or Path(__file__).parent / "results" / f"compress_pruning_{run.config.model}.json"
    Path(where).write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
