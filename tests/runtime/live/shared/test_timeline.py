"""Moments of pictures of any shape."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edgelens.runtime.frame import Frame
from edgelens.runtime.live.shared.moment import moments_of_line, thumb_of
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


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"no picture at all"])
def test_a_picture_that_was_damaged_on_the_card_is_one_that_is_not_there(data: bytes) -> None:
    with pytest.raises(LookupError):
        thumb_of(data)


@pytest.mark.parametrize("odd", [{"when": float("nan")}, {"when": 1e999}, {"score": float("nan")}, {"score": 10**400}])
def test_a_line_with_a_number_that_is_none_tells_of_nothing(odd: dict[str, float]) -> None:
    row = {"label": "a", "score": odd.get("score", 0.5), "box": None}
    line = {"size": [9, 9], "when": 5.0, "source": "s", "announced": "a", "events": [], "results": [row]}
    assert moments_of_line({**line, "results": [{**row, "score": 0.5}]})
    assert not moments_of_line({**line, **odd, "results": [{**row, "score": odd.get("score", 0.5)}]})
