"""Memory and time of the picture cache on large photos, and whether a build that is killed goes on where it was.

python benchmarks/picture_cache.py [--photos 2000] [--megapixels 24] [--side 160] [--out results/picture_cache.json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

BUILD = """
import json, resource, sys, time
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.data.config import DataConfig
from edgelens.train.data.prepare import prepare
begun, told = time.perf_counter(), []
def progress(what, done, of): print(json.dumps([what, done, of]), flush=True)
pixels = PixelContract(int(sys.argv[3]), int(sys.argv[3]))
data = prepare(DataConfig(sys.argv[1], cache=sys.argv[2]), pixels, progress=progress)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"photos": len(data.names), "seconds": time.perf_counter() - begun, "peak_mb": peak}))
"""


def write_photos(folder: Path, count: int, megapixels: float) -> None:
    """Sixteen photos, each many times as files that differ in a comment only: another content, the same work."""
    height = int((megapixels * 1e6 / 1.5) ** 0.5)
    draw, width = np.random.default_rng(0), int(height * 1.5)
    for variant in range(16):
        small = draw.integers(0, 256, (60, 90, 3), np.uint8)
        image = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
        for i in range(variant, count, 16):
            target = folder / ("cup" if i % 2 else "pen") / f"{i:05d}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data[:-2] + f"\xff\xfe\x00\x0a{i:08d}".encode("latin-1") + data[-2:])


def build(folder: Path, cache: Path, side: int, *, killed_after: int | None = None) -> dict[str, float]:
    """One build in a process of its own; killed once so many photos were told to be decoded."""
    words = [sys.executable, "-c", BUILD, str(folder), str(cache), str(side)]
    decoded = 0
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            said = json.loads(line)
            if isinstance(said, dict):
                return said
            decoded += said[0] == "decoding"
            if killed_after and said[0] == "decoding" and said[1] >= killed_after:
                os.kill(child.pid, signal.SIGKILL)
                return {"decoded": said[1]}
    raise SystemExit("the build failed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "picture_cache.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as where:
        folder, cache = Path(where) / "photos", Path(where) / "cache"
        write_photos(folder, options.photos, options.megapixels)
        size = sum(file.stat().st_size for file in folder.rglob("*.jpg"))
        killed = build(folder, cache, options.side, killed_after=options.photos // 3)
        begun = time.perf_counter()
        rest = build(folder, cache, options.side)
        again = build(folder, cache, options.side)
        shutil.rmtree(cache)
    row = {
        "photos": options.photos, "megapixels": options.megapixels, "side": options.side, "bytes": size,
        "killed_after": killed["decoded"], "rest_s": round(time.perf_counter() - begun, 1),
        "peak_mb": round(max(rest["peak_mb"], again["peak_mb"]), 1), "rest_build_s": round(rest["seconds"], 1),
        "again_s": round(again["seconds"], 2), "cores": os.cpu_count(), "bar_mb": 600,
    }  # fmt: skip
    print(json.dumps(row, indent=1))
    options.out.write_text(json.dumps(row, indent=1) + "\n")


if __name__ == "__main__":
    main()
