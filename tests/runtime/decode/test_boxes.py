"""Overlap, class-aware suppression, and boxes back in the frame."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode, Network, Output
from edgelens.runtime.decode.boxes import BoxOptions, BoxRules, class_numbers, corners, matched, overlaps, suppress
from edgelens.runtime.decode.catalog import decoder_for
from edgelens.runtime.preprocess import PixelContract, Region, fit_frame
from edgelens.runtime.recognitions import Recognitions


def network(**decode):
    return Network(
        "detect", ("cat", "dog"), PixelContract(100, 100, resize="stretch"), (), Decode("yolox", **decode), ()
    )


def answer(boxes, scores, ids, net, placement, asked=None):
    return BoxRules.of(net, BoxOptions.of(net.decode)).answer(boxes, scores, ids, placement, asked)


def place(height=100, width=100, **contract):
    return fit_frame(
        np.zeros((height, width, 3), np.uint8), PixelContract(100, 100, **{"resize": "stretch", **contract})
    )[1]


def test_overlap_of_halves_thirds_and_nothing():
    one = np.array([[0, 0, 10, 10]], np.float32)
    many = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [3, 3, 3, 3]], np.float32)
    assert overlaps(one, many) == pytest.approx(np.array([[1, 1 / 3, 0, 0]]))
    assert overlaps(many[3:], many[3:]) == [0]
    assert overlaps(many, many) == pytest.approx(overlaps(many, many).T)


def test_suppression_agrees_with_opencv_class_by_class():
    import cv2

    rng = np.random.default_rng(3)
    boxes = corners(np.c_[rng.uniform(20, 80, (700, 2)), rng.uniform(5, 30, (700, 2))].astype(np.float32))
    scores, ids = rng.uniform(0, 1, 700).astype(np.float32), rng.integers(0, 3, 700)
    kept = suppress(boxes, scores, ids, 0.45, 1000)
    wanted = set()
    for k in range(3):
        rows = np.flatnonzero(ids == k)
        xywh = np.c_[boxes[rows, :2], boxes[rows, 2:] - boxes[rows, :2]]
        wanted |= {int(rows[i]) for i in cv2.dnn.NMSBoxes(xywh.tolist(), scores[rows].tolist(), 0.0, 0.45)}
    assert set(kept.tolist()) == wanted
    assert (np.diff(scores[kept]) <= 0).all()


def test_where_yielding_lasts_every_better_box_counts():
    rng = np.random.default_rng(4)
    boxes = corners(np.c_[rng.uniform(20, 80, (700, 2)), rng.uniform(20, 30, (700, 2))].astype(np.float32))
    scores, ids = rng.uniform(0, 1, 700).astype(np.float32), rng.integers(0, 3, 700)
    over = (overlaps(boxes, boxes) > 0.45) & (ids[:, None] == ids) & (scores[:, None] > scores)
    wanted = np.flatnonzero(~over.any(axis=0))
    kept = suppress(boxes, scores, ids, 0.45, 1000, lasting=True)
    assert set(kept.tolist()) == set(wanted.tolist())
    assert len(kept) < len(suppress(boxes, scores, ids, 0.45, 1000))


def test_other_classes_and_the_limit():
    boxes = np.array([[0, 0, 10, 10]] * 3, np.float32)
    scores, ids = np.array([0.5, 0.9, 0.7], np.float32), np.array([0, 0, 1])
    assert suppress(boxes, scores, ids, 0.5, 10).tolist() == [1, 2]
    assert suppress(boxes, scores, ids, 0.5, 1).tolist() == [1]


def test_threshold_classes_and_broken_numbers():
    boxes = np.array([[0, 0, 10, 10], [20, 20, 30, 30], [40, 40, np.nan, 50], [60, 60, 70, 70]])
    scores, ids = np.array([0.9, 0.2, 0.9, 0.8]), np.array([0, 0, 0, 1])
    seen = answer(boxes, scores, ids, network(threshold=0.5), place())
    assert list(seen) == [("cat", pytest.approx(0.9)), ("dog", pytest.approx(0.8))]
    only = answer(boxes, scores, ids, network(threshold=0.5, options={"classes": [1]}), place())
    assert [label for label, _ in only] == ["dog"]
    assert seen.task == "detect"


def test_rows_of_no_class_are_no_things():
    boxes, scores = np.tile(np.array([0, 0, 10, 10], np.float32), (5, 1)), np.full(5, 0.9, np.float32)
    seen = answer(boxes, scores, np.array([-1, -7, 1, 900, 2**40]), network(thresholds={"dog": 0.8}), place())
    assert [label for label, _ in seen] == ["dog", "900"]
    assert class_numbers(np.array([np.nan, -3, 2.0001, np.inf])).tolist() == [-1, -1, 2, 2**31 - 1]


@pytest.mark.parametrize(("count", "rows"), [(np.nan, 0), (-1, 0), (np.inf, 2), (1, 1), (7, 2)])
@pytest.mark.parametrize("decoder", ["ssd", "yolo-nas"])
def test_a_count_of_rows_that_is_none_counts_what_there_is(decoder, count, rows):
    outputs = {
        "boxes": np.array([[[0.1, 0.1, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9]]], np.float32),
        "classes": np.zeros((1, 2), np.float32),
        "scores": np.full((1, 2), 0.9, np.float32),
        "count": np.array([count], np.float32),
    }
    decode = Decode(decoder, 0.5, options={"layout": "batch"})
    net = Network("detect", ("cat",), PixelContract(100, 100), tuple(map(Output, outputs)), decode, ())
    assert len(decoder_for(net)(outputs, place())) == rows


def test_a_label_is_held_to_its_own_threshold_unless_one_was_asked_for():
    boxes = np.array([[0, 0, 10, 10], [20, 20, 30, 30], [40, 40, 50, 50], [60, 60, 70, 70]], np.float32)
    scores, ids = np.array([0.4, 0.7, 0.7, 0.0], np.float32), np.array([0, 0, 1, 5])
    own = network(threshold=0.5, thresholds={"cat": 0.3, "dog": 0.8})
    assert list(answer(boxes, scores, ids, own, place())) == [
        ("cat", pytest.approx(0.7)),
        ("cat", pytest.approx(0.4)),
    ]
    assert [label for label, _ in answer(boxes, scores, ids, own, place(), 0.6)] == ["cat", "dog"]
    assert len(answer(boxes, scores, ids, own, place(), 0.0)) == 3  # what scores nothing is nothing


def test_overlap_with_a_crowd_counts_over_the_first_box_alone():
    one, crowd = np.array([[0, 0, 10, 10.0]]), np.array([[5, 0, 105, 10.0]] * 2)
    found = overlaps(one, crowd, crowd=np.array([True, False]))
    assert found == pytest.approx(np.array([[0.5, 50 / 1050]]))


def test_boxes_come_back_to_the_frame_from_a_letterbox_and_a_region():
    placement = place(200, 400, resize="letterbox")
    seen = answer(np.array([[25, 50, 50, 75.0]]), np.ones(1), np.zeros(1, int), network(), placement)
    assert seen.boxes is not None
    assert seen.boxes[0] == pytest.approx([100, 100, 100, 100])
    contract = PixelContract(100, 100, resize="stretch")
    inside = fit_frame(np.zeros((200, 400, 3), np.uint8), contract, Region(100, 50, 200, 100))[1]
    seen = answer(np.array([[0, 0, 50, 50.0]]), np.ones(1), np.zeros(1, int), network(), inside)
    assert seen.boxes is not None
    assert seen.boxes[0] == pytest.approx([100, 50, 100, 50])


def test_the_share_of_boxes_that_agree():
    def seen(*boxes, ids=None):
        return Recognitions(("a", "b"), ids or [0] * len(boxes), [0.9] * len(boxes), boxes=np.array(boxes, np.float32))

    one, same, far = seen([0, 0, 10, 10]), seen([1, 0, 10, 10]), seen([50, 50, 10, 10])
    assert matched([one], [same]) == 1
    assert matched([one], [far]) == 0
    assert matched([one], [seen([0, 0, 10, 10], ids=[1])]) == 0
    assert matched([one], [seen([0, 0, 10, 10], [50, 50, 9, 9])]) == pytest.approx(2 / 3)
    assert matched([Recognitions.nothing()], [Recognitions.nothing()]) == 1
