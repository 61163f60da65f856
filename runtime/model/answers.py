"""What a recognizer answers to each picture of a data set, and how long that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..errors import DataError, ImageError
from ..frame import Frame
from ..tasks.task import Labelled, Looked
from .recognizer import BundleRecognizer

__all__ = ["Answers", "Progress", "stage_percentiles"]

Progress = Callable[[int, int], None]


class Answers:
    """Iterates over row, (height, width) and what was seen of every picture that can be decoded; names the others."""

    def __init__(
        self, recognizer: BundleRecognizer, data: Labelled, threshold: float | None, progress: Progress | None
    ) -> None:
        self.times: list[dict[str, float]] = []
        self.unreadable: list[str] = []
        self.looked: list[int] = []  # rows
        self._recognizer, self._data, self._threshold, self._progress = recognizer, data, threshold, progress

    def __iter__(self) -> Iterator[Looked]:
        data = self._data
        for i in range(len(data)):
            try:
                frame = Frame(data.image(i), i)
            except ImageError as error:
                self.unreadable.append(str(error))
                continue
            seen = self._recognizer.recognize(frame, threshold=self._threshold)
            self.times.append(dict(seen.stages))
            self.looked.append(i)
            yield i, frame.size, seen.recognitions
            if self._progress is not None:
                self._progress(i + 1, len(data))
        if not self.times:
            why = f" ({self.unreadable[0]})" if self.unreadable else ""
            what = f"none of {len(data)} images can be decoded{why}" if len(data) else "has no images"
            raise DataError(f"{data.root}: {what}")


def stage_percentiles(times: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """p50, p95 and p99 of every stage and of their sum, in milliseconds."""
    table = {name: np.array([each[name] for each in times]) for name in times[0]}
    table["total"] = sum(table.values(), np.zeros(len(times)))
    return {
        name: {f"p{q}": round(float(np.percentile(values, q)), 4) for q in (50, 95, 99)}
        for name, values in table.items()
    }
