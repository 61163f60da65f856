"""Third-party detectors against the shared video's truth: is a person in the frame?

    python benchmarks/runtime_detectors.py SHARED/data [--every 10] [--out benchmarks/results/runtime_detectors.json]

The threshold is chosen on the first half of the sampled frames and measured on the second. Frames within the truth's
tolerance of a change are left out; the figure with them stands beside it. The bars: frame-level F1 of at least 0.95
(YOLOX-nano) and 0.90 (SSD).
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.frame import Frame
from edgelens.runtime.host.files import write_text
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

VIDEO = "one-by-one-person-detection.mp4"
MODELS = {  # file below models/, id of the class "person", bar
    "YOLOX-nano": ("yolox/yolox_nano.onnx", 0, 0.95),
    "SSD MobileNetV1": ("ssd/coco_ssd_mobilenet_v1_1.0_quant.tflite", 0, 0.90),
}
LOWEST = 0.05


def main() -> None:
    """Measure both detectors; print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    frames = [index for index, _ in sampled(arguments.data, arguments.every)]
    truth, counts = intervals(arguments.data, frames)
    rows = []
    for name, (file, person, bar) in MODELS.items():
        scores = best_scores(arguments.data / "models" / file, person, arguments.data, arguments.every)
        rows.append({"model": name, "file": file, "bar": bar, **judged(np.array(scores), truth, counts)})
    print("model             threshold  F1 first half  F1 second half  with changes  at 0.5   bar")
    for row in rows:
        print(
            f"{row['model']:16}  {row['threshold']:9.2f}  {row['f1_first_half']:13.4f}  "
            f"{row['f1_second_half']:14.4f}  {row['f1_second_half_all_frames']:12.4f}  "
            f"{row['f1_second_half_at_0.5']:6.4f}  {row['bar']:.2f}"
        )
    if arguments.out:
        report = {"video": VIDEO, "every": arguments.every, "frames": int(counts.sum()), "models": rows}
        write_text(arguments.out, json.dumps(report, indent=1) + "\n", named=True)


def sampled(data: Path, every: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Every so many frames of the video, with their numbers."""
    capture = cv2.VideoCapture(str(data / "video" / VIDEO))
    index = 0
    while True:
        there, image = capture.read()
        if not there:
            break
        if index % every == 0:
            yield index, np.asarray(image, np.uint8)
        index += 1
    capture.release()


def intervals(data: Path, frames: list[int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether a person is in each frame, and whether the frame counts: not within the tolerance of a change."""
    truth, counts = np.zeros(len(frames), bool), np.ones(len(frames), bool)
    at = np.array(frames)
    with (data / "video" / "truth.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["file"] == VIDEO:
                first, last, near = (int(row[key]) for key in ("first_frame", "last_frame", "tolerance_frames"))
                truth |= (at >= first) & (at <= last)
                counts &= (np.abs(at - first) > near) & (np.abs(at - last) > near)
    return truth, counts


def best_scores(model: Path, person: int, data: Path, every: int) -> list[float]:
    """The best person's score in every sampled frame, 0 without one."""
    scores = []
    with BundleRecognizer(open_model(str(model), threshold=LOWEST, classes=[person]), engine="auto") as recognizer:
        for index, image in sampled(data, every):
            seen = recognizer.recognize(Frame(image, index=index)).recognitions
            scores.append(float(seen.scores[0]) if len(seen) else 0.0)
    return scores


def judged(scores: NDArray[Any], truth: NDArray[np.bool_], counts: NDArray[np.bool_]) -> dict[str, Any]:
    """The threshold that is best on the first half (the middle of the best ones), and what it gives on the second."""
    half = len(scores) // 2
    first, second = slice(0, half), slice(half, None)
    steps = np.round(np.arange(LOWEST, 0.96, 0.01), 2)
    values = np.array([f1(scores[first] >= step, truth[first], counts[first]) for step in steps])
    best = float(np.median(steps[values == values.max()]))
    return {
        "threshold": round(best, 3),
        "f1_first_half": float(values.max()),
        "f1_second_half": f1(scores[second] >= best, truth[second], counts[second]),
        "f1_second_half_all_frames": f1(scores[second] >= best, truth[second], np.ones_like(counts[second])),
        "f1_second_half_at_0.5": f1(scores[second] >= 0.5, truth[second], counts[second]),
    }


def f1(found: NDArray[np.bool_], truth: NDArray[np.bool_], counts: NDArray[np.bool_]) -> float:
    """F1 of frames, over those that count."""
    right = (found & truth & counts).sum()
    return float(2 * right / max((found & counts).sum() + (truth & counts).sum(), 1))


if __name__ == "__main__":
    main()
