import dataclasses

import numpy as np
import pytest

from edgelens.runtime.frame import Frame
from edgelens.runtime.recognitions import UNKNOWN_ID, Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.overlay import drawn
from edgelens.runtime.tasks.canvas import color_of

LABELS = ("cup", "Gabel ü 写")


def result(height: int, width: int, view=None, boxes=None) -> Result:
    image = np.full((height, width, 3), 90, np.uint8)
    seen = Recognitions(LABELS, [0], [0.9], rivals=np.array([[1]]), rival_scores=np.array([[0.1]]), task="classify")
    if boxes is not None:
        seen = Recognitions(LABELS, [0, 1], [0.9, 0.1], boxes=boxes, task="detect")
    return Result(Frame(image), seen, view=view)


@pytest.mark.parametrize("size", [(28, 28), (96, 96), (240, 320), (1080, 1920), (2160, 3840), (3, 2000), (1, 1)])
def test_labels_can_be_read_at_any_resolution(size):
    source = result(*size)
    image = drawn(source)
    changed = np.argwhere((image != 90).any(axis=2))
    assert len(changed)
    assert image.shape[0] / size[0] == image.shape[1] / size[1]
    assert (source.frame.image == 90).all()
    if min(size) >= 28:
        rows = changed[:, 0]
        assert rows.max() - rows.min() >= 11  # the best label's box is at least so high
        assert rows.max() < image.shape[0] * 0.6  # and leaves the picture to be seen


def test_boxes_are_drawn_where_they_are_and_labels_stay_inside():
    boxes = np.array([[100, 50, 80, 60], [300, 0, 20, 20]], np.float32)
    image = drawn(result(240, 320, boxes=boxes))
    color = color_of(0)
    assert image[110, 140].tolist() == list(color)  # the lower edge
    assert image[80, 180].tolist() == list(color)  # the right edge
    assert image[90, 140].tolist() == [90, 90, 90]


def test_lines_and_zones_are_drawn_over_it():
    places = {"zones": {}, "lines": {"door": {"at": [0.5, 0, 0.5, 1], "in": {}, "out": {}}}}
    image = drawn(dataclasses.replace(result(240, 320), watched=places))
    assert (image[200:, 158:162] != 90).any(axis=2).any(axis=1).all()
    assert (image[200:, :150] == 90).all()


def test_what_reaches_the_network_is_framed_unless_it_is_everything():
    whole, part = drawn(result(240, 320, view=(0, 0, 320, 240))), drawn(result(240, 320, view=(40, 0, 240, 240)))
    assert (whole[200] == 90).all()
    assert part[200, 40].tolist() == [255, 255, 255]
    assert part[200, 279].tolist() == [255, 255, 255]


def test_neighbours_have_colours_that_differ():
    colors = np.array([color_of(i) for i in range(20)], int)
    distances = np.abs(colors[:-1] - colors[1:]).max(axis=1)
    assert distances.min() > 60


def test_a_label_has_its_colour_whatever_else_was_seen():
    place = [[100, 50, 80, 60]]
    alone = Recognitions(LABELS, [1], [0.9], boxes=place, task="detect")
    among = Recognitions(LABELS, [0, 1], [0.9, 0.8], boxes=[[10, 200, 9, 9], *place], task="detect")
    frame = Frame(np.full((240, 320, 3), 90, np.uint8))
    edges = [drawn(Result(frame, seen))[110, 140].tolist() for seen in (alone, among)]
    assert edges == [list(color_of(1))] * 2
    assert color_of(UNKNOWN_ID) not in {color_of(i) for i in range(1000)}
