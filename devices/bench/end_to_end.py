"""The whole way from a camera's frame to recognitions, as the loop goes it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.errors import EdgelensError

from .spec import Target
from .statistics import summarize
from .timing import sample, warm_up

if TYPE_CHECKING:
    from edgelens.runtime.bundle.bundle import Bundle
    from edgelens.runtime.recognitions import Recognitions

__all__ = ["measure_end_to_end"]


def measure_end_to_end(opening: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """Percentiles of a frame's way through resize, engine and decoder, and each stage's median, in ms.

    `opening` names the model and how it is opened: `model`, `precision`, `frame` (height, width), pixel `options`, and
    for how many `seconds` frames go that way. Of a pipeline `looked_into` is how many things a frame later steps saw.
    """
    import cv2

    from edgelens.runtime.frame import Frame
    from edgelens.runtime.model.open import open_model
    from edgelens.runtime.model.recognizer import BundleRecognizer

    cv2.setNumThreads(1)
    height, width = opening["frame"]
    seconds = float(opening["seconds"])
    stages: list[Mapping[str, float]] = []
    looks: list[int] = []
    start = time.monotonic()
    try:
        bundle = open_model(opening["model"], **opening.get("options", {}))
        options = EngineOptions(threads=target.threads, spin=True)
        with BundleRecognizer(
            bundle, engine=target.engine, precision=opening["precision"], options=options
        ) as recognizer:
            frames = cycle(map(Frame, _pictures(bundle, height, width)))

            def go() -> None:
                seen = recognizer.recognize(next(frames))
                stages.append(seen.stages)
                looks.append(_looked_into(seen.recognitions))

            go()
            first_ms = (time.monotonic() - start) * 1e3
            warm_up(go, 0 if first_ms > seconds * 1e3 else min(1.0, 2 * seconds))
            del stages[:], looks[:]
            samples = sample(go, seconds / 2, 1, 10_000)
    except EdgelensError as error:
        return {"error": str(error)}
    steady = summarize(samples).as_dict()
    names = stages[0] if stages else {}
    looked_into = {} if len(bundle.manifest.steps) == 1 else {"looked_into": round(float(np.mean(looks)), 2)}
    return {
        "frame": [height, width],
        "open_to_first_ms": first_ms,
        "stages_ms": {name: round(float(np.median([row[name] for row in stages])), 6) for name in names},
        **looked_into,
        **{key: steady[key] for key in ("runs", "p50", "p90", "p95", "p99", "mean", "throughput", "noise")},
    }


def _pictures(bundle: Bundle, height: int, width: int) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Frames of this size: a pipeline's golden ones, in which its first step finds what the others look at."""
    import cv2

    from edgelens.runtime.model.golden import frames_of

    golden = next((each for each in bundle.manifest.golden if not each.network), None)
    if golden is None or len(bundle.manifest.steps) == 1:
        return [_picture(height, width)]
    images = [np.asarray(frame.image) for frame in frames_of(bundle, golden)]
    return [np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8) for image in images]


def _looked_into(seen: Recognitions) -> int:
    """At how many things of a frame a later step looked."""
    return 0 if seen.parents is None else int((seen.parents >= 0).sum())


def _picture(height: int, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Smooth shapes with a little noise: decoders find a few things, not thousands."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (9, 12, 3)).astype(np.uint8)
    picture = coarse.repeat(-(-height // 9), 0).repeat(-(-width // 12), 1)[:height, :width]
    return np.asarray(np.clip(picture.astype(np.int16) + rng.integers(-4, 5, picture.shape), 0, 255), np.uint8)
