"""Decoding and class-aware suppression of 8,400 anchors × 80 classes, without the network.

    python benchmarks/runtime_decode.py [--rounds 300] [--out benchmarks/results/runtime_decode.json]

300 candidates above a threshold of .25, in groups that overlap (what pictures give) and scattered (the worst for
suppression: none yields). The bar: 3 ms, medians of this thread's own processor time: what else runs here does not
count, the single thread does all the work.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Decode, Network, Output
from edgelens.runtime.decode.catalog import decoder_for
from edgelens.runtime.host.files import write_text
from edgelens.runtime.preprocess import PixelContract, fit_frame

SIDE, ANCHORS, CLASSES, CANDIDATES = 640, 8400, 80, 300
BAR_MS = 3.0


def main() -> None:
    """Time each family's layout; print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    rows = []
    for spread in ("groups", "scattered"):
        boxes, scores = candidates(spread)
        for name, (decoder, options, outputs) in layouts(boxes, scores).items():
            rows.append({"layout": name, "candidates": spread, **timed(decoder, options, outputs, arguments.rounds)})
    print(f"{'layout':18} {'candidates':11} {'boxes':>5} {'p50 ms':>7} {'p95 ms':>7}   bar {BAR_MS}")
    for row in rows:
        print(f"{row['layout']:18} {row['candidates']:11} {row['boxes']:5} {row['p50_ms']:7.2f} {row['p95_ms']:7.2f}")
    if arguments.out:
        report = {"machine": platform.processor() or platform.machine(), "bar_ms": BAR_MS, "rows": rows}
        write_text(arguments.out, json.dumps(report, indent=1) + "\n", named=True)


def candidates(spread: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Center boxes (N, 4) of all anchors and their scores (N, C), so many of which count."""
    rng = np.random.default_rng(0)
    boxes = np.c_[rng.uniform(0, SIDE, (ANCHORS, 2)), rng.uniform(20, 60, (ANCHORS, 2))]
    scores = rng.uniform(0, 0.2, (ANCHORS, CLASSES))
    rows = rng.choice(ANCHORS, CANDIDATES, replace=False)
    things = np.arange(CANDIDATES) % 30
    if spread == "groups":
        boxes[rows] = np.c_[rng.uniform(60, 580, (30, 2))[things], np.full((CANDIDATES, 2), 50.0)]
        boxes[rows] += rng.normal(0, 4, (CANDIDATES, 4))
    scores[rows, things] = rng.uniform(0.3, 0.9, CANDIDATES)
    return boxes.astype(np.float32), scores.astype(np.float32)


Layout = tuple[str, dict[str, Any], dict[str, NDArray[np.float32]]]


def layouts(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> dict[str, Layout]:
    """The same candidates as each family lays them out: decoder, its options, outputs."""
    sure = np.ones((ANCHORS, 1), np.float32)
    rows = np.concatenate([boxes, sure * (scores.max(axis=1, keepdims=True) > 0.25), scores], axis=1)[None]
    columns = np.concatenate([boxes, scores], axis=1).T[None].copy()
    turned = np.concatenate([columns, np.zeros((1, 1, ANCHORS), np.float32)], axis=1)
    most = {"iou": 0.7, "max_det": CANDIDATES}
    return {
        "ultralytics v8": ("ultralytics", {"layout": "v8", **most}, {"predictions": columns}),
        "ultralytics v5": ("ultralytics", {"layout": "v5", **most}, {"predictions": rows}),
        "yolox": ("yolox", {"decoded": True, **most}, {"grid": rows}),
        "ultralytics obb": (
            "ultralytics", {"layout": "v8", "class_count": CLASSES, "rotated": True, **most}, {"predictions": turned},
        ),
        "lens-det": ("lens-det", {"finest": 8, **most}, maps_of(boxes, scores)),
    }  # fmt: skip


def maps_of(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """The same as the kit's own detectors give it: scores and distances a stride."""
    outputs, first = {}, 0
    for stride in (8, 16, 32):
        side = SIDE // stride
        rows = slice(first, first + side * side)
        middles = (np.mgrid[:side, :side][::-1].reshape(2, -1).T + 0.5) * stride
        near, half = boxes[rows, :2] - middles, boxes[rows, 2:] / 2
        sides = np.concatenate([half - near, half + near], axis=1) / stride
        outputs[f"scores{stride}"] = np.ascontiguousarray(scores[rows].T.reshape(1, CLASSES, side, side))
        outputs[f"sides{stride}"] = np.ascontiguousarray(sides.T.reshape(1, 4, side, side).astype(np.float32))
        first = rows.stop
    return outputs


def timed(
    decoder: str, options: dict[str, Any], outputs: dict[str, NDArray[np.float32]], rounds: int
) -> dict[str, Any]:
    """Median and 95th percentile of decoding one picture's outputs."""
    pixels = PixelContract(SIDE, SIDE, resize="letterbox")
    labels = tuple(map(str, range(CLASSES)))
    network = Network("detect", labels, pixels, tuple(map(Output, outputs)), Decode(decoder, 0.25, options=options), ())
    placement = fit_frame(np.zeros((480, 640, 3), np.uint8), pixels)[1]
    decode = decoder_for(network)
    times = sorted(once(lambda: decode(outputs, placement)) for _ in range(rounds))
    return {
        "boxes": len(decode(outputs, placement)),
        "p50_ms": round(times[rounds // 2], 3),
        "p95_ms": round(times[int(rounds * 0.95)], 3),
    }


def once(call: Callable[[], Any]) -> float:
    """Milliseconds of one call."""
    start = time.thread_time()
    call()
    return (time.thread_time() - start) * 1e3


if __name__ == "__main__":
    main()
