"""A short run of a bundle the way the camera loop runs it, before a device relies on it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.errors import WorkError
from edgelens.runtime.frame import Frame
from edgelens.runtime.images.read import decode_image
from edgelens.runtime.model.recognizer import BundleRecognizer

__all__ = ["smoke_run"]


def smoke_run(bundle: Bundle, engine: str, precision: str | None, frames: int, called: str) -> dict[str, Any]:
    """Recognize so many frames, the golden ones and noise in turn; anything that breaks is a WorkError."""
    names = [name for golden in bundle.manifest.golden for name in golden.frames]
    images = [decode_image(bundle.read(name), name) for name in names[:8]]
    images.append(np.random.default_rng(0).integers(0, 256, (480, 640, 3)).astype(np.uint8))
    times: list[float] = []
    try:
        with BundleRecognizer(bundle, engine=engine, precision=precision, options=EngineOptions()) as recognizer:
            for i in range(frames):
                start = time.perf_counter()
                seen = recognizer.recognize(Frame(images[i % len(images)], index=i)).recognitions
                times.append((time.perf_counter() - start) * 1e3)
                if not np.isfinite(seen.scores).all():
                    raise WorkError(f"{called}: frame {i} of its smoke run gave scores that are no numbers")
    except (ValueError, RuntimeError, KeyError, IndexError) as error:
        raise WorkError(f"{called}: broke in its smoke run on this device: {str(error)[:200]}") from None
    return {"frames": frames, "median_ms": round(float(np.median(times)), 3) if times else None}
