"""What a detector's thresholds are fitted on: which found boxes are right."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgelens.runtime.decode.catalog import options_of
from edgelens.runtime.decode.lens_det import LensDetOptions
from edgelens.runtime.metrics.detection import Boxes
from edgelens.train.data.targets import RaggedTargets
from edgelens.train.tasks.detect.settle import curves_of, hits_of, said_of_thresholds, settle_boxes

BOX, CROWD = (10, 10, 40, 40), (0, 0, 200, 200)


@pytest.mark.parametrize("crowd", [(False, True), (True, False)])
def test_a_box_in_a_crowd_is_found_before_the_crowd_is(crowd: tuple[bool, bool]) -> None:
    boxes = np.array([CROWD if each else BOX for each in crowd], float)
    truth = Boxes(np.zeros(2, int), np.zeros(2, int), boxes, crowd=np.array(crowd))
    again, beside = (11, 10, 40, 40), (150, 150, 20, 20)  # the box once more, and something else of the crowd
    there = np.array([(11, 11, 40, 40), again, beside], float)
    found = Boxes(np.zeros(3, int), np.zeros(3, int), there, scores=np.array([0.9, 0.8, 0.7]))
    hit, counts = hits_of(found, truth)
    assert hit.tolist() == [crowd.index(False), -1, -1]
    assert counts.tolist() == [True, False, False]
    (curve,) = curves_of(found, truth, 1)
    assert (curve.precision.tolist(), curve.recall.tolist(), curve.wanted) == ([1.0], [1.0], 1)


def test_only_thresholds_of_their_own_are_named() -> None:
    own: dict[str, float | None] = {"cup": 0.4, "dish": None, **{f"thing {i}": 0.2 for i in range(9)}, "pan": None}
    assert said_of_thresholds(own, 0.35) == (
        "thresholds of best F1: cup 0.40, thing 0 0.20, thing 1 0.20, thing 2 0.20, thing 3 0.20, thing 4 0.20,"
        " thing 5 0.20, thing 6 0.20, 2 more, 0.35 for 2 with fewer than 5 boxes to tell it by, or none found"
    )
    assert said_of_thresholds({"cup": 0.4}, 0.4) == "thresholds of best F1: cup 0.40"


@pytest.mark.parametrize(("fullest", "most", "candidates"), [(0, 100, 1000), (50, 100, 1000), (51, 102, 1020)])
def test_a_frame_has_room_for_more_than_the_fullest_picture_shows(fullest: int, most: int, candidates: int) -> None:
    none = torch.zeros(fullest)
    columns = {"boxes": torch.tensor([BOX] * fullest).reshape(-1, 4), "labels": none.long(), "crowd": none.bool()}
    targets = RaggedTargets(columns, torch.tensor([0, 0, fullest]))
    decode = settle_boxes(np.full((2, 100, 6), -1, np.float32), targets, ("cup",), (8, 16, 32)).decode
    options = options_of("lens-det")(**decode.options)
    assert isinstance(options, LensDetOptions)
    assert (options.max_det, options.candidates) == (most, candidates)
