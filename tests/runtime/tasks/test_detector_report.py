"""What a detector's report says where nothing was found, and of classes that the model lacks."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode, Network
from edgelens.runtime.datasets.boxset import BoxSet, ImageBoxes
from edgelens.runtime.preprocess import PixelContract
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.tasks.detector_report import DetectorReport, evaluate_detector


def report_of(*boxes: tuple[int, int, int, int], resize: str = "letterbox", classes=("cup", "jug")) -> DetectorReport:
    """Of one picture of 400 × 200 pixels in which a detector of cups, with 100 × 100 pixels, finds nothing."""
    there = ImageBoxes(
        np.array(boxes, np.float64).reshape(-1, 4), np.zeros(len(boxes), np.int64), np.zeros(len(boxes), bool)
    )
    images = BoxSet("root", "coco", classes, ["a.png"], [there], np.array([""]))
    network = Network("detect", ("cup",), PixelContract(100, 100, resize=resize), (), (), Decode("lens-det"))
    nothing = Recognitions(("cup",), np.zeros(0, np.int32), np.zeros(0, np.float32), boxes=np.zeros((0, 4), np.float32))
    return evaluate_detector(images, network, [(0, (200, 400), nothing)])


@pytest.mark.parametrize(
    ("box", "resize", "said"),
    [
        ((0, 0, 16, 40), "letterbox", "less than 4.0 pixels wide or high in its picture; look closer with --tile 2,"),
        ((0, 0, 16, 40), "crop", "see whether `inspect` names the right decoder"),
        ((0, 0, 40, 8), "stretch", "less than 4.0 pixels wide or high in its picture; look closer with --tile 2,"),
        ((0, 0, 40, 40), "letterbox", "see whether `inspect` names the right decoder"),
    ],
)
def test_what_is_too_small_for_the_picture_is_said_before_the_decoder_is_doubted(box, resize, said):
    assert said in report_of(box, resize=resize).lines()[0]


def test_a_class_without_boxes_is_no_matter():
    assert not any("no label" in line for line in report_of((0, 0, 40, 40)).lines())
    other = report_of((0, 0, 40, 40), classes=("jug", "cup"))
    assert "the model has no label for: jug; their boxes count as missed" in other.lines()
    assert report_of().lines() == ["mAP50 -, mAP50-95 -, 0 boxes"]


def test_a_box_that_is_drawn_twice_is_asked_for_once():
    """As a training takes it: a detector finds it once, and the copy would count as missed."""
    copies = [[10, 20, 100, 50], [10.2, 20, 100, 50], [200, 20, 100, 50]]
    there = ImageBoxes(np.array(copies, np.float64), np.array([0, 0, 1]), np.zeros(3, bool), np.full(3, 4000.0))
    images = BoxSet("root", "coco", ("cup", "jug"), ["a.png"], [there], np.array([""]))
    network = Network("detect", ("cup", "jug"), PixelContract(100, 100), (), (), Decode("lens-det"))
    seen = Recognitions(
        ("cup", "jug"), np.array([0, 1], np.int32), np.float32([0.9, 0.8]), boxes=np.float32([copies[0], copies[2]])
    )
    report = evaluate_detector(images, network, [(0, (200, 400), seen)])
    assert report.scores.mean() == pytest.approx(1)
    assert report.lines() == [
        "1 boxes of the data are drawn twice and taken once",
        "mAP50 1.0000, mAP50-95 1.0000, 2 boxes",
    ]
