"""Boxes take their place from all that found the same thing."""

from __future__ import annotations

import numpy as np

from edgelens.runtime.decode.boxes import overlaps, suppress
from edgelens.runtime.decode.voting import VOTE, voted

BOXES = np.array([[10, 10, 50, 50], [10, 10, 51, 50], [11, 12, 50, 49], [200, 10, 240, 50]], np.float32)


def test_the_sure_and_the_near_have_a_say() -> None:
    scores, ids = np.array([0.9, 0.9, 0.1, 0.8], np.float32), np.zeros(4, np.int64)
    moved = voted(BOXES, scores, ids, np.array([0, 3]), VOTE)
    assert moved[0, 2] > 50.45, "as sure and almost the same: nearly the middle"
    assert (np.abs(moved[0, [0, 1, 3]] - BOXES[0, [0, 1, 3]]) < 0.1).all(), "who is unsure says little"
    np.testing.assert_allclose(moved[1], BOXES[3], rtol=1e-6)


def test_other_classes_broken_numbers_and_none_at_all_have_none() -> None:
    scores, ids = np.array([0.9, 0.8, 0.9, 0.9], np.float32), np.array([0, 1, 0, 0])
    broken = BOXES.copy()
    broken[2, 3], broken[3] = np.nan, np.inf
    np.testing.assert_allclose(voted(broken, scores, ids, np.array([0]), VOTE)[0], BOXES[0], rtol=1e-6)
    assert (voted(BOXES, scores, ids, np.array([2, 1]), 0.0) == BOXES[[2, 1]]).all()
    assert voted(BOXES, scores, ids, np.empty(0, np.intp), VOTE).shape == (0, 4)


def test_a_box_without_an_area_stays_where_it_is() -> None:
    boxes = np.array([[30, 30, 30, 40], [10, 10, 50, 50]], np.float32)
    moved = voted(boxes, np.array([0.9, 0.9], np.float32), np.zeros(2, np.int64), np.array([0, 1]), VOTE)
    np.testing.assert_allclose(moved, boxes, rtol=1e-6)


def test_boxes_of_many_unsure_cells_lie_nearer_to_the_truth() -> None:
    rng, truth = np.random.default_rng(0), np.array([40, 60, 120, 160], np.float32)
    alone, together = [], []
    for _ in range(50):
        boxes = (truth + rng.normal(0, 3, (12, 4))).astype(np.float32)
        scores, ids = rng.uniform(0.4, 0.9, 12).astype(np.float32), np.zeros(12, np.int64)
        kept = suppress(boxes, scores, ids, 0.6, 1)
        alone.append(overlaps(boxes[kept], truth[None])[0, 0])
        together.append(overlaps(voted(boxes, scores, ids, kept, VOTE), truth[None])[0, 0])
    assert 1 - np.mean(together) < 0.75 * (1 - np.mean(alone))
