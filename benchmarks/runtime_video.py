"""Time a frame over a whole video file against what its parts need alone.

    python benchmarks/runtime_video.py VIDEO MODEL... [--rounds 5] [--out FILE.json]

The bar: `edgelens run` (named engine, one engine thread, no page) takes at most 1.15 × the largest of decoding alone,
preprocessing and inference alone, and the total CPU time ÷ cores. Rounds alternate; the median ratio is reported, and
beside it the ratio of every part's fastest round, which other work on the machine disturbs least. A model `2ms` is an
ONNX network that takes about two milliseconds here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2

from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.sources.video import VideoFile

PREPARED = 200  # frames of the video that inference alone goes round


def decode_alone(video: str) -> tuple[float, float, int]:
    """Wall and CPU milliseconds a frame, and frames."""
    frames = 0
    with VideoFile(video) as source:
        wall, cpu = time.perf_counter(), time.process_time()
        while source.read() is not None:
            frames += 1
    return (time.perf_counter() - wall) / frames * 1e3, (time.process_time() - cpu) / frames * 1e3, frames


def recognize_alone(video: str, model: str, engine: str, frames: int) -> tuple[float, float]:
    """Wall and CPU milliseconds a frame of preprocessing, inference and decoding outputs."""
    kept: list[Frame] = []
    with VideoFile(video) as source:
        while len(kept) < min(PREPARED, frames) and (frame := source.read()) is not None:
            kept.append(frame)
    with BundleRecognizer(open_model(model), engine=engine, options=EngineOptions(threads=1)) as recognizer:
        for frame in kept[:20]:
            recognizer.recognize(frame)
        wall, cpu = time.perf_counter(), time.process_time()
        for i in range(frames):
            recognizer.recognize(kept[i % len(kept)])
    return (time.perf_counter() - wall) / frames * 1e3, (time.process_time() - cpu) / frames * 1e3


def whole(video: str, model: str, engine: str) -> tuple[float, float]:
    """Wall milliseconds a frame of `edgelens run`, and its peak memory."""
    with tempfile.NamedTemporaryFile(suffix=".json") as summary:
        named = ["--engine", engine, "--threads", "1", "--no-preview", "--json", "/dev/null"]
        command = [sys.executable, "-m", "edgelens", "run", model, "--source", video, *named]
        subprocess.run([*command, "--summary", summary.name, "--quiet"], check=True, stderr=subprocess.DEVNULL)
        found = json.loads(Path(summary.name).read_text())
    return 1e3 / found["fps"], found["peak_rss_mb"]


def measure(video: str, model: str, rounds: int) -> dict[str, Any]:
    cv2.setNumThreads(1)
    engine = "tflite" if model.endswith(".tflite") else "onnxruntime"
    rows = []
    for _ in range(rounds):
        decode_wall, decode_cpu, frames = decode_alone(video)
        infer_wall, infer_cpu = recognize_alone(video, model, engine, frames)
        run_wall, rss = whole(video, model, engine)
        share = (decode_cpu + infer_cpu) / (os.cpu_count() or 1)
        floor = max(decode_wall, infer_wall, share)
        rows.append(
            {
                "decode_ms": decode_wall,
                "recognize_ms": infer_wall,
                "cpu_share_ms": share,
                "run_ms": run_wall,
                "ratio": run_wall / floor,
                "peak_rss_mb": rss,
            }
        )
    best = {name: min(row[name] for row in rows) for name in rows[0]}
    floor = max(best["decode_ms"], best["recognize_ms"], best["cpu_share_ms"])
    return {
        "model": Path(model).name,
        "engine": engine,
        "decode_threads": VideoFile(video).threads,
        "ratio": round(statistics.median(row["ratio"] for row in rows), 3),
        "ratio_of_fastest": round(best["run_ms"] / floor, 3),
        "rounds": [{name: round(value, 4) for name, value in row.items()} for row in rows],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("video")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models:
            if model == "2ms":
                from runtime_models import model_of

                model = str(model_of(Path(folder) / "conv_2ms.onnx", 2.0))  # noqa: PLW2901
            results.append(measure(options.video, model, options.rounds))
            found = results[-1]
            print(
                f"{found['model']:20} {found['decode_threads']} decode threads  ratio {found['ratio']:.2f}, "
                f"of the fastest rounds {found['ratio_of_fastest']:.2f} (bar 1.15)  {found['rounds'][0]}",
                flush=True,
            )
    if options.out:
        Path(options.out).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
