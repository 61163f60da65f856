"""A camera of 30 frames a second for benchmarks of the page and the service: each frame is recognized and shown."""

from __future__ import annotations

import math
import time
from multiprocessing.connection import Connection

import cv2
import numpy as np

from edgelens.runtime.frame import Frame
from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.live.service.service import RecognizeService
from edgelens.runtime.result import Result

__all__ = ["watch_camera"]


def watch_camera(
    pipe: Connection, page: LivePreview, service: RecognizeService, *, most_behind_s: float = math.inf
) -> None:
    """Until the pipe says "stop"; any other word is answered with frames so far and the time.

    What was missed is made up for, as far as it is no more than `most_behind_s`.
    """
    pipe.send(page.port)
    picture = bytes(cv2.imencode(".jpg", np.full((480, 640, 3), 120, np.uint8))[1])
    image, frames, due = np.full((480, 640, 3), 90, np.uint8), 0, time.monotonic()
    while True:
        if pipe.poll():
            if pipe.recv() == "stop":
                return
            pipe.send((frames, time.monotonic()))
        seen = service.recognize(picture, "camera", None, time.monotonic()).seen
        page.write(Result(Frame(image, frames, source="camera"), seen))
        frames += 1
        due = max(due + 1 / 30, time.monotonic() - most_behind_s)
        time.sleep(max(due - time.monotonic(), 0))
