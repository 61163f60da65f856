"""Labels in any script on pictures, as far as the OpenCV at hand has letters for them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edgelens.runtime.images.lettering import drawable
from edgelens.runtime.tasks.canvas import Canvas

ALL_SCRIPTS = int(cv2.__version__.split(".")[0]) >= 5


def headline(text):
    canvas = Canvas.of(np.full((320, 400, 3), 128, np.uint8))
    canvas.headline(0, text, (255, 255, 255))
    return canvas.image


def test_what_can_be_drawn_is_left_and_what_cannot_is_marked():
    assert drawable("cup 0.91 ~") == "cup 0.91 ~"
    assert drawable("no\udcffUTF\x07") == "no?UTF?"
    assert drawable("cafe\u0301") == ("café" if ALL_SCRIPTS else "cafe")
    assert drawable("猫 яблоко") == ("猫 яблоко" if ALL_SCRIPTS else "? ??????")


@pytest.mark.skipif(not ALL_SCRIPTS, reason=f"OpenCV {cv2.__version__} has no letters but ASCII's")
@pytest.mark.parametrize(("one", "other"), [("猫猫", "犬犬"), ("яблоко", "ябложо"), ("café", "cafe")])
def test_other_scripts_are_drawn(one, other):
    assert (headline(one) != headline(other)).any()


def test_a_label_that_is_no_text_is_drawn_all_the_same():
    assert (headline("\udcff\x00\n猫") != 128).any()
