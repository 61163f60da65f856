"""What a training is told: filled in by its pictures, refused where no training takes it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from edgelens.runtime.errors import UsageError
from edgelens.train import TrainConfig
from edgelens.train.opening.opened import settled
from edgelens.train.task import Pace


@pytest.mark.parametrize(
    ("images", "said", "batch", "epochs"),
    [(240, {}, 32, 100), (800, {}, 32, 60), (50_000, {}, 128, 30), (240, {"epochs": 3, "batch": 16}, 16, 3)],
)
def test_few_images_are_gone_through_more_often(images: int, said: dict[str, int], batch: int, epochs: int) -> None:
    config = settled(TrainConfig("data", "out", **said), images, Pace())
    assert (config.batch, config.epochs) == (batch, epochs)


@pytest.mark.parametrize("name", ["minutes", "epochs", "rate", "warmup", "l2", "momentum"])
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_time_or_a_rate_that_is_none_is_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=rf"{name} {value}: must be (a number of )?at least 0"):
        TrainConfig("photos", "run", **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [("keep", 2.0), ("keep", -1.0), ("seed", -1), ("seed", 10**20), ("threads", 0), ("focal_gamma", -1.0),
     ("learnt_at", 0.0), ("false_accepts", 5.0), ("max_bad", math.nan), ("patience", -1), ("checkpoint_s", -1.0),
     ("teacher_temperature", 0.0), ("rate", 1e300), ("device", "tpu")],
)  # fmt: skip
def test_what_the_command_line_would_not_take_is_refused_in_a_file_too(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=rf"{name} .+: must be "):
        TrainConfig.from_json({"data": "photos", "out": "run", name: value})


def test_a_sets_name_stays_one_whatever_lies_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fashion-mnist").mkdir()
    monkeypatch.chdir(tmp_path)
    assert TrainConfig("fashion-mnist", "run", data_dir=".").anchored().data == "fashion-mnist"
    assert TrainConfig("fashion-mnist", "run").anchored().data == str(tmp_path / "fashion-mnist")
