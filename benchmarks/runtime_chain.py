"""A two-step pipeline against its parts run alone, on the frames of a video: `runtime_chain.py DETECTOR VIDEO`.

The detector (an .onnx or .tflite file) becomes a bundle with frames of the video, the built-in sign digits look at
every box it finds. Each frame goes through the pipeline and through both parts in turn, the order changing; the parts'
time is the detector's recognize call on the frame and the classifier's on each box, given as regions.

    python benchmarks/runtime_chain.py ../shared/data/models/yolox/yolox_nano.onnx \
        ../shared/data/video/one-by-one-person-detection.mp4
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from edgelens.compress.foreign import bundle_file
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.chain import chain
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.preprocess import Region

RESULTS = Path(__file__).parent / "results" / "runtime_chain.json"
CLASSIFIER = "sign-digits"


def frames_of(video: str) -> list[Frame]:
    """Every third frame."""
    capture, frames = cv2.VideoCapture(video), []
    while (read := capture.read())[0]:
        frames.append(Frame(np.asarray(read[1], np.uint8), len(frames)))
    return frames[::3]


def parts_ms(detector: BundleRecognizer, classifier: BundleRecognizer, frame: Frame) -> float:
    """Both networks by hand: the detector on the frame, the classifier on every box."""
    start = time.perf_counter()
    found = detector.recognize(frame).recognitions
    for x, y, w, h in found.boxes if found.boxes is not None else ():
        if min(w, h) >= 1:
            classifier.recognize(frame, region=Region(float(x), float(y), max(float(w), 2.0), max(float(h), 2.0)))
    return (time.perf_counter() - start) * 1e3


def whole_ms(pipeline: BundleRecognizer, frame: Frame) -> float:
    """The pipeline's one call."""
    start = time.perf_counter()
    pipeline.recognize(frame)
    return (time.perf_counter() - start) * 1e3


def main() -> None:
    """Measure, print and write the figures."""
    model, video = sys.argv[1:3]
    cv2.setNumThreads(1)
    frames = frames_of(video)
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        photos.mkdir()
        for frame in frames[:: max(len(frames) // 12, 1)][:12]:
            cv2.imwrite(str(photos / f"{frame.index}.png"), frame.image)
        labels = Path(folder) / "labels.txt"
        labels.write_text("\n".join(["person", *(f"thing {i}" for i in range(1, 80))]))
        first = Path(folder) / "detector.edge"
        bundle_file(model, first, {"labels": str(labels)}, images=str(photos))
        bundle = chain(open_model(str(first)), open_model(CLASSIFIER), Path(folder) / "both.edge")
        with (
            BundleRecognizer(bundle, engine="onnxruntime") as pipeline,
            BundleRecognizer(open_model(str(first)), engine="onnxruntime") as detector,
            BundleRecognizer(open_model(CLASSIFIER), engine="onnxruntime") as classifier,
        ):
            rows, rounds = 0, []
            for _ in range(5):
                whole = parts = 0.0
                for i, frame in enumerate(frames):
                    if i % 2:
                        whole += whole_ms(pipeline, frame)
                        parts += parts_ms(detector, classifier, frame)
                    else:
                        parts += parts_ms(detector, classifier, frame)
                        whole += whole_ms(pipeline, frame)
                rounds.append((whole / len(frames), parts / len(frames)))
            rows = sum(len(pipeline.recognize(frame).recognitions) for frame in frames)
    ratios = [whole / parts for whole, parts in rounds]
    found = {
        "video": Path(video).name,
        "detector": Path(model).name,
        "classifier": CLASSIFIER,
        "frames": len(frames),
        "rows": rows,
        "pipeline_ms": round(float(np.median([whole for whole, _ in rounds])), 3),
        "parts_ms": round(float(np.median([parts for _, parts in rounds])), 3),
        "ratio": round(float(np.median(ratios)), 4),
        "ratios": [round(ratio, 4) for ratio in ratios],
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
