"""What is drawn of places that networks say lie far beyond the picture."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.tasks.canvas import Canvas
from edgelens.runtime.tasks.rows import draw_rows


@pytest.mark.parametrize("far", [-1e30, 3e9])
def test_keypoints_beyond_the_picture_are_drawn_as_far_as_it_reaches(far):
    points = np.array([[[100, 100, 1], [far, 100, 1], *[[100, 100, 1]] * 5]], np.float32)
    box = np.array([[90, 90, 20, 20]], np.float32)
    seen = Recognitions(("palm",), np.zeros(1, np.int32), np.ones(1, np.float32), boxes=box, keypoints=points)
    canvas = Canvas.of(np.full((400, 400, 3), 128, np.uint8))
    draw_rows(canvas, seen)
    side = 50 if far < 0 else 300  # the limb runs from the first keypoint to the picture's edge
    assert (canvas.image[95:106, side] != 128).any()
