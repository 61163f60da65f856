"""A learning curve is the same training on fewer images, and counts what each of its heads learned from."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgelens.train import Run, TrainConfig, fit
from edgelens.train.report.score import Score
from edgelens.train.tune.learning_curve import SHARES, learning_curve


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of a second on noise."""
    draw, path = np.random.default_rng(0), tmp_path / "noise.npz"
    np.savez(path, images=draw.integers(0, 256, (80, 8, 8), np.uint8), labels=np.arange(80) % 2)
    asked = TrainConfig(
        str(path), str(tmp_path / "run"), model="linear", epochs=1, augment="none", precision="float32", threads=1
    )
    return fit(asked, quiet=True)


def curve(run: Run) -> tuple[list[TrainConfig], list[int]]:
    """What the parts are told, and the images that the curve counts."""
    asked: list[TrainConfig] = []

    def same(config: TrainConfig) -> Run:
        asked.append(config)
        return run

    with learning_curve(run, same, lambda _line: None).open() as stream:
        return asked, [int(row["images"]) for row in csv.DictReader(stream)]


def test_what_began_with_random_weights_begins_so_with_few_images_too(run: Run) -> None:
    asked, _ = curve(run)
    assert [(each.share, each.scratch) for each in asked] == [(share, True) for share in SHARES]
    asked, _ = curve(replace(run, config=replace(run.config, start="backbone")))
    assert not any(each.scratch for each in asked)


def test_a_head_that_learned_all_photos_is_counted_with_all_of_them(run: Run) -> None:
    images = run.facts.data["images"]
    assert curve(run)[1][-1] == images["train"]
    crossed = {**(run.facts.metrics or {}), "judged": "train+val"}
    assert curve(replace(run, facts=replace(run.facts, metrics=crossed)))[1][-1] == images["train"] + images["val"]


def test_what_is_no_count_of_pictures_has_no_error_by_chance() -> None:
    assert Score("accuracy").error(0.5, 100) == pytest.approx(0.05)
    assert math.isnan(Score("map50_95", counted=False).error(0.5, 100))
