"""What a training says after an epoch."""

from __future__ import annotations

import pytest

from edgelens.train.runs.progress import Progress

EPOCH = {"epoch": 2.0, "train_loss": 1.0, "images_per_s": 10.0, "seconds": 30.0}


@pytest.mark.parametrize(("remaining", "left"), [((), "5:00 left"), ((61.0,), "1:01 left"), ((-3.0,), "0:00 left")])
def test_no_more_time_is_left_than_the_training_may_take(remaining, left, capsys):
    with Progress(12, 1) as progress:
        progress.epoch(EPOCH, *remaining)
    assert capsys.readouterr().err.endswith(f"{left}\n")
