"""A picture of where things were: every frame leaves a trace where they stand, shown over the newest frame."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..host.files import check_place, write_bytes
from ..result import Result
from .mqtt_names import topic_level
from .protocol import Notice

__all__ = ["HeatMap"]

CELL = 8  # pixels a side
WRITE_S = 60.0  # how often the picture is written while it grows
SUFFIXES = (".png", ".jpg", ".jpeg")
_STRENGTH = 0.65  # of the warmest place over the frame


class HeatMap:
    """Adds up where things stand, and writes one picture a source: now and then, and at the end."""

    name = "heat-map"

    def __init__(self, path: str, *, several: bool) -> None:
        if Path(path).suffix.lower() not in SUFFIXES:
            raise UsageError(f"--heat-map {path}: must end in one of {', '.join(SUFFIXES)}")
        self._path, self._several = Path(path), several
        self._warmth: dict[str, NDArray[np.float32]] = {}
        self._newest: dict[str, NDArray[np.uint8]] = {}
        self._due = 0.0

    def write(self, result: Result) -> None:
        """Take one result."""
        image, source = result.frame.image, result.frame.source
        height, width = (-(-side // CELL) for side in image.shape[:2])
        warmth = self._warmth.get(source)
        if warmth is None or warmth.shape != (height, width):
            warmth = self._warmth[source] = np.zeros((height, width), np.float32)
        for x, y, w, h in result.seen.places[~np.isnan(result.seen.places[:, 0])] / CELL:
            across, down = max(w / 4, 1.0), max(h / 12, 1.0)  # about the feet
            left, right = (int(np.clip(x + w / 2 + side, 0, width)) for side in (-across, across))
            top, bottom = (int(np.clip(y + h + side, 0, height)) for side in (-2 * down, 0))
            warmth[top : bottom + 1, left : right + 1] += 1
        self._newest[source] = image
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + WRITE_S
            self._write_all()

    def notice(self, notice: Notice) -> None:
        """A source that is away leaves no traces."""

    def __enter__(self) -> HeatMap:
        check_place(self._path, "--heat-map")
        self._due = time.monotonic() + WRITE_S
        return self

    def __exit__(self, *exc: object) -> None:
        self._write_all()

    def _write_all(self) -> None:
        for source, warmth in self._warmth.items():
            data = cv2.imencode(self._path.suffix.lower(), _over(self._newest[source], warmth))[1]
            write_bytes(self._place(source), data.tobytes(), named=True)

    def _place(self, source: str) -> Path:
        """Each of several sources has a picture of its own."""
        return self._path.with_stem(f"{self._path.stem}-{topic_level(source)}") if self._several else self._path


def _over(image: NDArray[np.uint8], warmth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The frame in gray with warm places in colour, the warmest most."""
    size = (image.shape[1], image.shape[0])
    smooth = cv2.GaussianBlur(cv2.resize(warmth, size, interpolation=cv2.INTER_LINEAR), (0, 0), CELL)
    share = np.sqrt(smooth / max(float(smooth.max()), 1e-9))[..., None]  # a short visit is seen beside a long one
    colors = cv2.applyColorMap((share * 255).astype(np.uint8), cv2.COLORMAP_TURBO).astype(np.float32)
    gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR).astype(np.float32)
    return np.asarray(gray + (colors - gray) * share * _STRENGTH, np.uint8)
