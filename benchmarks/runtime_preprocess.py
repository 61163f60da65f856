"""From a camera's frame to a network's tensor: this kit's pixel path against what people write by hand with OpenCV.

    python benchmarks/runtime_preprocess.py [--rounds 60] [--out benchmarks/results/runtime_preprocess.json]

Both sides use one thread and the same linear filter, take turns within one run, and make equal tensors (checked, to
one level of a pixel); the ratio is the median over rounds, below 1 where the kit is faster. The kit's own default
filter `halves`, which does not alias, stands beside it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.host.files import write_text
from edgelens.runtime.preprocess import PixelContract, TensorContract, fit_frame, to_tensor

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Case:
    """A network's input, and the loop that people write for it."""

    name: str
    frame: tuple[int, int]
    pixels: PixelContract
    tensor: TensorContract
    by_hand: Callable[[Image], NDArray[Any]]


def stretched_uint8(image: Image) -> NDArray[Any]:
    """The kit's own networks: RGB NHWC uint8."""
    return cv2.cvtColor(cv2.resize(image, (96, 96)), cv2.COLOR_BGR2RGB)[None]


def stretched_float(image: Image) -> NDArray[Any]:
    """TFLite classifiers: RGB NHWC, 0 to 1."""
    return cv2.cvtColor(cv2.resize(image, (96, 96)), cv2.COLOR_BGR2RGB)[None].astype(np.float32) / 255


def imagenet(image: Image) -> NDArray[Any]:
    """PyTorch classifiers: RGB NCHW, ImageNet's mean and deviation."""
    pixels = cv2.cvtColor(cv2.resize(image, (224, 224)), cv2.COLOR_BGR2RGB).astype(np.float32)
    pixels = (pixels - np.array(IMAGENET_MEAN, np.float32)) / np.array(IMAGENET_STD, np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]


def letterboxed(image: Image) -> NDArray[Any]:
    """YOLO detectors: RGB NCHW, 0 to 1, bars of 114."""
    height, width = image.shape[:2]
    scale = min(640 / width, 640 / height)
    inner = cv2.resize(image, (round(width * scale), round(height * scale)))
    top = (640 - inner.shape[0]) // 2
    boxed = cv2.copyMakeBorder(
        inner, top, 640 - inner.shape[0] - top, 0, 640 - inner.shape[1], cv2.BORDER_CONSTANT, value=(114, 114, 114)
    )
    return np.ascontiguousarray(boxed[..., ::-1].transpose(2, 0, 1)[None]).astype(np.float32) / 255


def blob(image: Image) -> NDArray[Any]:
    """OpenCV's own way for networks."""
    return np.asarray(cv2.dnn.blobFromImage(image, 1 / 255, (320, 320), swapRB=True))


IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
UNIT = TensorContract(dtype="float32", std=(255.0,))
PLANES = replace(UNIT, layout="NCHW")


def square(side: int, **fields: Any) -> PixelContract:
    """A square picture with OpenCV's linear filter."""
    return PixelContract(side, side, **{"resize": "stretch", "filter": "linear", **fields})


CASES = [
    Case("uint8 NHWC 96, 1080p", (1080, 1920), square(96), TensorContract(), stretched_uint8),
    Case("float NHWC 96, 768x432", (432, 768), square(96), UNIT, stretched_float),
    Case(
        "ImageNet NCHW 224, 720p",
        (720, 1280),
        square(224),
        TensorContract(layout="NCHW", dtype="float32", mean=IMAGENET_MEAN, std=IMAGENET_STD),
        imagenet,
    ),
    Case("YOLO NCHW 640, 1080p", (1080, 1920), square(640, resize="letterbox", pad=114), PLANES, letterboxed),
    Case("blobFromImage 320, 720p", (720, 1280), square(320), PLANES, blob),
]


def main() -> None:
    """Measure every case; print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    rows = [measured(case, arguments.rounds) for case in CASES]
    print("case                       by hand ms  kit ms  ratio  kit, halves ms")
    for row in rows:
        print(
            f"{row['case']:25}  {row['by_hand_ms']:10.3f}  {row['kit_ms']:6.3f}  {row['ratio']:5.2f}  "
            f"{row['kit_halves_ms']:14.3f}"
        )
    if arguments.out:
        write_text(
            arguments.out,
            json.dumps({"opencv": cv2.__version__, "threads": 1, "cases": rows}, indent=1) + "\n",
            named=True,
        )


def measured(case: Case, rounds: int) -> dict[str, Any]:
    """The medians of alternating runs."""
    image = np.random.default_rng(0).integers(0, 256, (*case.frame, 3), np.uint8)
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), 3), np.uint8)
    halves = replace(case.pixels, filter="halves")
    ways: list[Callable[[], Any]] = [
        lambda: case.by_hand(image),
        lambda: to_tensor(fit_frame(image, case.pixels)[0], case.tensor),
        lambda: to_tensor(fit_frame(image, halves)[0], case.tensor),
    ]
    step = 1.01 / min(case.tensor.std)
    assert np.abs(ways[0]().astype(np.float64) - ways[1]()).max() <= step
    times: list[list[float]] = [[], [], []]
    for _ in range(rounds):
        for way, kept in zip(ways, times, strict=True):
            start = time.perf_counter()
            way()
            kept.append((time.perf_counter() - start) * 1e3)
    ratio = median(kit / hand for hand, kit in zip(times[0], times[1], strict=True))
    by_hand, kit, default = (median(kept) for kept in times)
    return {"case": case.name, "by_hand_ms": by_hand, "kit_ms": kit, "ratio": ratio, "kit_halves_ms": default}


if __name__ == "__main__":
    main()
