"""The whole way from a camera's frame to recognitions, as the loop goes it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.errors import EdgelensError

from .spec import Target
from .statistics import summarize
from .timing import sample, warm_up

__all__ = ["measure_end_to_end"]


def measure_end_to_end(opening: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """Percentiles of a frame's way through resize, engine and decoder, and each stage's median, in ms.

    `opening` names the model and how it is opened: `model`, `precision`, `frame` (height, width), pixel `options`, and
    for how many `seconds` frames go that way.
    """
    import cv2

    from edgelens.runtime.frame import Frame
    from edgelens.runtime.model.open import open_model
    from edgelens.runtime.model.recognizer import BundleRecognizer

    cv2.setNumThreads(1)
    height, width = opening["frame"]
    seconds = float(opening["seconds"])
    frame = Frame(_picture(height, width))
    stages: list[Mapping[str, float]] = []
    start = time.monotonic()
    try:
        bundle = open_model(opening["model"], **opening.get("options", {}))
        options = EngineOptions(threads=target.threads, spin=True)
        with BundleRecognizer(
            bundle, engine=target.engine, precision=opening["precision"], options=options
        ) as recognizer:
            recognizer.recognize(frame)
            first_ms = (time.monotonic() - start) * 1e3
            warm_up(lambda: recognizer.recognize(frame), 0 if first_ms > seconds * 1e3 else min(1.0, 2 * seconds))
            samples = sample(lambda: stages.append(recognizer.recognize(frame).stages), seconds / 2, 1, 10_000)
    except EdgelensError as error:
        return {"error": str(error)}
    steady = summarize(samples).as_dict()
    names = stages[0] if stages else {}
    return {
        "frame": [height, width],
        "open_to_first_ms": first_ms,
        "stages_ms": {name: round(float(np.median([row[name] for row in stages])), 6) for name in names},
        **{key: steady[key] for key in ("runs", "p50", "p90", "p95", "p99", "mean", "throughput", "noise")},
    }


def _picture(height: int, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Smooth shapes with a little noise: decoders find a few things, not thousands."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (9, 12, 3)).astype(np.uint8)
    picture = coarse.repeat(-(-height // 9), 0).repeat(-(-width // 12), 1)[:height, :width]
    return np.asarray(np.clip(picture.astype(np.int16) + rng.integers(-4, 5, picture.shape), 0, 255), np.uint8)
