"""How long a detector's answers take to become boxes: 8,400 cells × 80 classes at a threshold of .25, 300 candidates.

    python benchmarks/runtime_boxes.py [--out benchmarks/results/runtime_boxes.json]

The bar: at most 3 ms with suppression, one thread, the median of many.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from typing import Any

import numpy as np

from edgelens.runtime.bundle.manifest import Decode, Network, Output
from edgelens.runtime.decode.lens_det import LensDetOptions, lens_det
from edgelens.runtime.host.files import write_text
from edgelens.runtime.preprocess import PixelContract, placement_of

SIDE, CLASSES, STRIDES = 640, 80, (8, 16, 32)
THRESHOLD, PASSING, TURNS, BAR_MS = 0.25, 300, 300, 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    outputs = answers()
    kinds = (("scores", CLASSES), ("sides", 4))
    named = tuple(Output(f"{kind}{s}", (count, SIDE // s, SIDE // s)) for kind, count in kinds for s in STRIDES)
    pixels = PixelContract(SIDE, SIDE, "rgb", "letterbox")
    labels = tuple(f"class {c}" for c in range(CLASSES))
    network = Network("detect", labels, pixels, named, Decode("lens-det", threshold=THRESHOLD), ())
    decode, placement = lens_det(network, LensDetOptions()), placement_of(480, 640, pixels)
    seen = decode(outputs, placement)
    times = []
    for _ in range(TURNS):
        start = time.perf_counter()
        decode(outputs, placement)
        times.append(1000 * (time.perf_counter() - start))
    row = {
        "cells": sum((SIDE // s) ** 2 for s in STRIDES),
        "classes": CLASSES,
        "candidates": PASSING,
        "boxes": len(seen),
        "p10_ms": round(float(np.percentile(times, 10)), 3),
        "p50_ms": round(float(np.median(times)), 3),
        "bar_ms": BAR_MS,
        "machine": platform.processor(),
        "command": "python benchmarks/runtime_boxes.py",
    }
    print(json.dumps(row, indent=1))
    if arguments.out:
        write_text(arguments.out, json.dumps(row, indent=1) + "\n")


def answers() -> dict[str, Any]:
    """One picture's maps with so many cells over the threshold, in heaps as a network's are."""
    draw = np.random.default_rng(0)
    outputs: dict[str, Any] = {}
    for stride in STRIDES:
        side = SIDE // stride
        outputs[f"scores{stride}"] = (draw.random((1, CLASSES, side, side)) * 0.2).astype(np.float32)
        outputs[f"sides{stride}"] = draw.uniform(1, 4, (1, 4, side, side)).astype(np.float32)
    maps = outputs["scores8"][0]
    for _ in range(PASSING // 10):
        x, y, kind = (int(draw.integers(0, most)) for most in (SIDE // 8 - 5, SIDE // 8 - 2, CLASSES))
        maps[kind, y : y + 2, x : x + 5] = draw.uniform(0.3, 0.9, (2, 5))
    return outputs


if __name__ == "__main__":
    main()
