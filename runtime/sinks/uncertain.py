"""Pictures the model was not sure of, in class folders under its best guess: the way from the field to training."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode
from ..errors import WorkError
from ..host.files import write_bytes
from ..preprocess import Region
from ..recognitions import UNKNOWN, UNKNOWN_ID
from ..result import Result
from ..tasks.catalog import task_of
from ..tasks.task import Closeness
from .lived_time import LivedTime
from .losses import Losses, reason
from .options.uncertain import UncertainOptions
from .protocol import Notice
from .quota import NO_ROOM, Quota

__all__ = ["UncertainSink", "blurred_outside", "is_uncertain"]

NAMES = re.compile(r"uncertain-\d{8}-\d{6}-[\w.-]*\.jpg")


def is_uncertain(result: Result, decode: Decode, options: UncertainOptions) -> bool:
    """Whether somebody should look at this picture, as its task sees it by the thresholds that `decode` holds it to."""
    seen = result.seen
    return task_of(seen.task).uncertain(seen, decode, Closeness(options.near, options.lead))


def blurred_outside(image: NDArray[np.uint8], areas: list[tuple[int, int, int, int]]) -> NDArray[np.uint8]:
    """The picture with everything outside the areas (x, y, w, h) beyond recognition."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(width // 32, 1), max(height // 32, 1)), interpolation=cv2.INTER_AREA)
    out = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    for x, y, w, h in areas:
        out[y : y + h, x : x + w] = image[y : y + h, x : x + w]
    return out


class UncertainSink:
    """Keeps uncertain pictures; `decode` and `region` say what holds for a source now."""

    name = "uncertain"

    def __init__(
        self,
        options: UncertainOptions,
        *,
        decode: Callable[[str], Decode] = lambda source: Decode(),  # noqa: ARG005
        region: Callable[[str], Region | None] = lambda source: None,  # noqa: ARG005
        say: Callable[[str], None] | None = None,
    ) -> None:
        assert options.folder is not None
        self.options, self.folder = options, options.folder
        self._decode, self._region = decode, region
        self.losses = Losses(self.name) if say is None else Losses(self.name, say)
        self.kept = 0
        self._last: dict[str, float] = {}
        lived = LivedTime(self.folder / ".clock.json", lambda line: self.losses.say(f"{self.name}: {line}"))
        self._quota = Quota(
            self.folder, NAMES, options.quota_bytes, options.quota_age_s, options.keep_free_bytes, lived
        )

    def write(self, result: Result) -> None:
        """Keep the picture if it is one that somebody should look at."""
        source, moment = result.frame.source, result.frame.clock_s
        if result.frame.path is None and abs(moment - self._last.get(source, float("inf"))) < self.options.every_s:
            return  # pictures of files have nothing to do with one another
        if not is_uncertain(result, self._decode(source), self.options):
            return
        self._last[source] = moment
        image = result.frame.image
        if self.options.blur:
            image = blurred_outside(image, self._areas(result))
        data = bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1])
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(result.frame.time))
        target = self.folder / guess(result) / f"uncertain-{stamp}-{time.time_ns() // 1000 % 10**6:06d}.jpg"
        self._keep(target, data)

    def notice(self, notice: Notice) -> None:
        """Nothing to keep of it."""

    def __enter__(self) -> UncertainSink:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkError(f"--keep-uncertain {self.folder}: {error.strerror or error}") from None
        self._quota.clear_partials()
        self._quota = self._quota.settled()
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def _keep(self, target: Path, data: bytes) -> None:
        try:
            if not self._quota.make_room(len(data)):
                self.losses.lose("pictures", NO_ROOM)
                return
            target.parent.mkdir(exist_ok=True)
            write_bytes(target, data)
        except (OSError, WorkError) as error:
            self.losses.lose("pictures", reason(error))
            return
        self.kept += 1
        self.losses.keep("pictures")

    def _areas(self, result: Result) -> list[tuple[int, int, int, int]]:
        height, width = result.frame.size
        seen, region = result.seen, self._region(result.frame.source)
        there = [_inside(seen.places[row], height, width) for row in range(len(seen)) if seen.has_place(row)]
        return there or [region.pixels(height, width) if region else (0, 0, width, height)]


def guess(result: Result) -> str:
    """The folder of a picture: the best label there is, else what came nearest, as far as a folder can be called so."""
    seen = result.seen
    labels = [seen.label(row) for row in range(len(seen)) if int(seen.ids[row]) != UNKNOWN_ID]
    rivals = [label for row in range(len(seen)) for label, _ in seen.rivals_of(row)]
    name = next(iter([*labels, *rivals]), UNKNOWN)
    return re.sub(r"[^\w .+()-]", "_", name).strip(" .")[:64] or UNKNOWN


def _inside(box: NDArray[np.float32], height: int, width: int) -> tuple[int, int, int, int]:
    x0, y0 = max(int(box[0]), 0), max(int(box[1]), 0)
    x1, y1 = min(int(box[0] + box[2] + 0.999), width), min(int(box[1] + box[3] + 0.999), height)
    return x0, y0, max(x1 - x0, 0), max(y1 - y0, 0)
