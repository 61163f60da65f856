"""Counts and figures as people say them, in a card and in the lines of a training."""

from __future__ import annotations

import pytest

from edgelens.train.report.score import Score
from edgelens.train.report.told import times
from edgelens.train.runs.progress import Progress


@pytest.mark.parametrize(("count", "said"), [(1, "once"), (2, "twice"), (3, "3 times"), (1200, "1,200 times")])
def test_how_often(count: int, said: str) -> None:
    assert times(count) == said


def test_a_score_goes_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    score = Score("map50_95", counted=False, called="mAP50-95")
    row = {"epoch": 1, "train_loss": 2.5, "val_map50_95": 0.25, "images_per_s": 3.0, "seconds": 1.0}
    Progress(1, 1, score=score, validated=40).epoch(row)
    assert "val mAP50-95 0.2500" in capsys.readouterr().err
