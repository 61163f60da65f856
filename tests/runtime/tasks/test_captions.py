"""Captions beside their boxes: they cover neither one another nor small things where there is room."""

from __future__ import annotations

import itertools

import numpy as np

from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.tasks.canvas import Canvas
from edgelens.runtime.tasks.captions import places_for
from edgelens.runtime.tasks.rows import draw_rows

PICTURE = (640, 480)


def shared(one, other):
    """The area that two boxes (x, y, w, h) share."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(across, 0) * max(down, 0)


def placed(boxes, size=(90, 20)):
    places = places_for(np.array(boxes, np.float64), [size] * len(boxes), PICTURE)
    return [(*place, *size) for place in places]


def test_a_lone_caption_stands_above_its_box():
    assert placed([(100, 100, 50, 50)]) == [(100, 80, 90, 20)]


def test_captions_of_a_full_shelf_do_not_cover_one_another():
    shelf = [(40 + 60 * i, 200, 50, 140) for i in range(9)]  # captions are wider than the things are
    captions = placed(shelf)
    assert not [pair for pair in itertools.combinations(captions, 2) if shared(*pair)]


def test_captions_stay_inside_the_picture():
    for x, y, w, h in placed([(0, 0, 30, 30), (620, 0, 20, 20), (600, 470, 40, 10), (0, 0, 640, 480)]):
        assert 0 <= x <= PICTURE[0] - w and 0 <= y <= PICTURE[1] - h


def test_a_caption_hides_no_small_thing():
    small = (110, 84, 12, 12)  # where the caption of the large one would be
    for caption in placed([(100, 100, 80, 80), small]):
        assert not shared(caption, small)


def test_captions_of_many_things_are_small_enough_to_see_the_picture():
    grid = [(30 + 150 * (i % 8), 40 + 110 * (i // 8), 60, 60) for i in range(48)]
    seen = Recognitions(
        ("traffic light",), np.zeros(48, np.int32), np.ones(48, np.float32), boxes=np.array(grid, np.float32)
    )
    canvas = Canvas.of(np.full((720, 1280, 3), 7, np.uint8))
    draw_rows(canvas, seen)
    assert (canvas.image != 7).any(axis=2).mean() < 0.25
