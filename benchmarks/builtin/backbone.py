"""Make the backbone that ships with the kit from a finished run: its weights in float16, with where they come from.

python benchmarks/builtin/backbone.py RUN --images "47,500 training images of CIFAR-10" [--accuracy TEXT]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch

from edgelens.runtime.host.files import write_bytes
from edgelens.train import Run
from edgelens.train.start.pretrained import FILE, MODEL, provenance

LARGEST = 300_000  # bytes


def main() -> None:
    """Parse the command line, write the file and say what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="of lens-s with its default options")
    parser.add_argument("--images", default="CIFAR-10", help="what it was trained on, in words")
    parser.add_argument("--accuracy", help="in words; the run's validation accuracy unless said")
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args()
    run = Run.open(options.run)
    if run.config.model != MODEL:
        parser.error(f"{options.run}: is a {run.config.model}, the backbone is a {MODEL}")
    data = packed(run, options.images, options.accuracy)
    if len(data) > LARGEST:
        parser.error(f"{len(data):,} bytes, more than {LARGEST:,}")
    write_bytes(options.out, data, named=True)
    print(f"{options.out}: {len(data):,} bytes, {provenance(options.out)}")


def packed(run: Run, images: str, accuracy: str | None) -> bytes:
    """The run's weights and statistics in float16, with their provenance."""
    tensors = {
        name: tensor.to(torch.float16).contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in run.model().state_dict().items()
    }
    metrics = run.facts.metrics or {}
    settings = {k: v for k, v in asdict(run.config).items() if k not in ("data", "out", "cache", "data_dir", "groups")}
    metadata = {
        "network": run.config.model,
        "pixels": json.dumps(asdict(run.pixels)),
        "classes": json.dumps(run.classes),
        "data": images,
        "fingerprint": str(run.facts.data["fingerprint"]),
        "accuracy": accuracy or f"{100 * metrics['val_accuracy']:.2f} % of its validation images",
        "settings": json.dumps(settings),
        "command": "benchmarks/train_accuracy.py --data DIR cifar10-lens-s; benchmarks/builtin/backbone.py RUN",
        "kit": f"edgelens {run.facts.environment['edgelens']}, torch {run.facts.environment['torch']}",
    }
    return safetensors.torch.save(tensors, metadata)


if __name__ == "__main__":
    main()
