"""The way from JPEGs to pictures that can be trained on: decode rate, and memory past the RAM limit.

    python benchmarks/train_input.py decode [--images 10000] [--rounds 5] [--out FILE.json]
    python benchmarks/train_input.py memory [--limit-mb 64] [--out FILE.json]

decode: photographs of 640 × 480 are written to a folder; each round one core reads some of them with cv2.imread
alone, then `prepare` reads, checks, splits and decodes all of them on all cores into a new cache. The bar: at least
0.9 × cores × the single core's rate, median of the rounds. The same with --exact for pictures that are made as the
camera's are (validation), which never decode a JPEG at a fraction of its size.

memory: `edgelens train` on pictures of four times the limit, against the same training on next to nothing, which is
what the network itself takes; peak memory may differ by the limit at most.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgelens.runtime.preprocess import PixelContract
from edgelens.train.data.config import DataConfig
from edgelens.train.data.prepare import prepare
from edgelens.train.data.splits import SplitConfig
from edgelens.train.optimize import allocator as memory


def write_photos(folder: Path, count: int, height: int, width: int) -> list[str]:
    """Photograph-like JPEGs in two classes: soft shapes with fine noise, some 60 KB at 640 × 480."""
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 6, (height, width, 3)).astype(np.float32)
    files = []
    for i in range(count):
        target = folder / f"class{i % 2}" / f"{i:06d}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shapes = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
        image = np.clip(shapes + np.roll(grain, int(rng.integers(width)), axis=1), 0, 255).astype(np.uint8)
        cv2.imwrite(str(target), image, [cv2.IMWRITE_JPEG_QUALITY, 88])
        files.append(str(target))
    return files


IMREAD = """
import sys, time, cv2
cv2.setNumThreads(1)
files = sys.stdin.read().splitlines()
start = time.perf_counter()
for file in files:
    cv2.imread(file)
print(len(files) / (time.perf_counter() - start))
"""


def decode(options: argparse.Namespace) -> dict[str, Any]:
    """The rate of one core with cv2 alone, and of `prepare` on all."""
    memory.keep_large_blocks()  # as `edgelens train` does
    cores = len(os.sched_getaffinity(0))
    rounds = []
    splits = SplitConfig(val=0.99 if options.exact else 0.01)
    with tempfile.TemporaryDirectory() as place:
        files = write_photos(Path(place) / "photos", options.images, 480, 640)
        for _ in range(options.rounds):
            some = "\n".join(files[:: options.rounds])
            single = float(
                subprocess.run([sys.executable, "-c", IMREAD], input=some, capture_output=True, text=True).stdout
            )
            cache = Path(place) / "cache"
            start = time.perf_counter()
            config = DataConfig(f"{place}/photos", cache=str(cache), splits=splits)
            prepare(config, PixelContract(options.side, options.side))
            rate = options.images / (time.perf_counter() - start)
            rounds.append({"single_core": single, "all_cores": rate, "ratio": rate / (cores * single)})
            shutil.rmtree(cache)
    found = {
        "what": "exact" if options.exact else "training cache",
        "cores": cores,
        "images": options.images,
        "single_core_images_s": round(statistics.median(row["single_core"] for row in rounds)),
        "all_cores_images_s": round(statistics.median(row["all_cores"] for row in rounds)),
        "ratio": round(statistics.median(row["ratio"] for row in rounds), 3),
        "rounds": rounds,
    }
    print(f"cv2.imread on one core {found['single_core_images_s']:,} images/s, {cores} cores")
    print(f"prepare ({found['what']}) {found['all_cores_images_s']:,} images/s: ratio {found['ratio']} (bar 0.9)")
    return found


FEW = 200
TRAIN = """
import os
from edgelens.cli import main
try:
    main()
finally:
    with open("/proc/self/status") as status:
        print(next(line.split()[1] for line in status if line.startswith("VmHWM")), file=open(os.environ["PEAK"], "w"))
"""


def peak_memory(options: argparse.Namespace) -> dict[str, Any]:
    """Peak resident memory of a training on four times the limit and on next to nothing."""
    side, limit = 64, options.limit_mb << 20
    count = 4 * limit // (side * side * 3)
    peaks = {}
    with tempfile.TemporaryDirectory() as place:
        for name, images in (("small", FEW), ("large", count)):
            folder = Path(place) / name
            write_photos(folder, images, side, side)
            arguments = [
                *("train", str(folder), "--out", f"{place}/run-{name}", "--cache", f"{place}/cache-{name}"),
                *("--model", options.model, "--size", str(side), "--epochs", "1", "--batch", "32", "--val", "0.4"),
                *("--precision", "float32", "--ram-limit", f"{options.limit_mb}MB", *options.option),
            ]
            peak = Path(place) / "peak"
            subprocess.run([sys.executable, "-c", TRAIN, *arguments], check=True, env={**os.environ, "PEAK": str(peak)})
            peaks[name] = int(peak.read_text()) / 1024
    found = {
        "limit_mb": options.limit_mb,
        "pictures_mb": round(count * side * side * 3 / 2**20),
        "images": {"small": FEW, "large": count},
        "peak_mb": {name: round(peak, 1) for name, peak in peaks.items()},
        "extra_mb": round(peaks["large"] - peaks["small"], 1),
    }
    print(
        f"{found['pictures_mb']} MB of pictures: {found['extra_mb']:+} MB over a training on {FEW} of them (bar"
        f" {options.limit_mb})"
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("what", choices=["decode", "memory"])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--limit-mb", type=int, default=64)
    parser.add_argument("--model", default="resnet8")
    parser.add_argument("--option", action="append", default=[], help="one more option of `edgelens train`")
    parser.add_argument("--out")
    options = parser.parse_args()
    found = {"decode": decode, "memory": peak_memory}[options.what](options)
    if options.out:
        Path(options.out).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
