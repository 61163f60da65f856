"""How a score is called at the beginning of a line."""

from __future__ import annotations

import pytest

from edgelens.train.report.score import Score


@pytest.mark.parametrize(("called", "heading"), [("mAP50-95", "mAP50-95"), ("", "Error rate"), ("F1", "F1")])
def test_a_name_with_capitals_keeps_its_letters(called, heading):
    assert Score("error_rate", called=called).heading == heading
