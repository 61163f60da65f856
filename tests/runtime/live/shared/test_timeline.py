"""Moments of pictures of any shape."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edgelens.runtime.frame import Frame
from edgelens.runtime.live.shared.timeline import Timeline
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result


@pytest.mark.parametrize("size", [(4000, 1), (1, 4000), (5, 7)])
def test_a_small_picture_stays_small(size: tuple[int, int]) -> None:
    timeline, seen = Timeline(), Recognitions(("a",), [0], [0.9], task="classify")
    frame = Frame(np.zeros((size[1], size[0], 3), np.uint8))
    (moment,) = timeline.add(Result(frame, seen, announced="a"))
    small = cv2.imdecode(np.frombuffer(timeline.thumb(moment), np.uint8), cv2.IMREAD_COLOR)
    assert small is not None
    assert max(small.shape) <= 640
