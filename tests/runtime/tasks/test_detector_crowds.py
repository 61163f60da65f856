"""What a report of a detector says where there was nothing to be found."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.metrics.detection import Boxes, average_precision
from edgelens.runtime.tasks.detector_report import DetectorReport
from edgelens.runtime.tasks.label_match import match_labels


@pytest.mark.parametrize("crowd", [True, False])
def test_boxes_that_count_neither_way_are_not_said_to_be_missed(crowd):
    one = np.zeros(1, np.int64)
    truth = Boxes(one, one, np.array([[1.0, 2.0, 30.0, 40.0]]), crowd=np.array([crowd]))
    found = Boxes(one[:0], one[:0], np.empty((0, 4)), scores=np.empty(0))
    match = match_labels(("cup",), ("cup",), 1)
    report = DetectorReport(("cup",), truth, found, average_precision(truth, found, 1), 1, (), match)
    assert any("not one box of the data was found" in line for line in report.lines()) is not crowd
    assert report.to_json()["map50"] == (None if crowd else 0.0)
