"""What the best trial of a search promises: not the luck of having been the best on few pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgelens.train.config import TrainConfig
from edgelens.train.report.score import Score
from edgelens.train.runs.run import SPLITS, Run
from edgelens.train.tune.plots import write_plots
from edgelens.train.tune.promise import promised
from edgelens.train.tune.search import TuneConfig, search, write_best
from edgelens.train.tune.space import OneOf

TRIALS = 12


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, TuneConfig]:
    """A search on noise with labels by chance: no trial is better than another, and half of two classes is the truth.

    Five pictures a group, as frames of a clip are.
    """
    folder = tmp_path_factory.mktemp("noise")
    draw = np.random.default_rng(1)
    np.savez(
        folder / "noise.npz", images=draw.integers(0, 255, (240, 12, 12), np.uint8), labels=draw.integers(0, 2, 240)
    )
    train = TrainConfig(
        str(folder / "noise.npz"), str(folder / "out"), model="linear", epochs=1, val=0.25, augment="none",
        precision="float32", group=r"(.*).$", cache=str(folder / "cache"),
    )  # fmt: skip
    space = {"rate_factor": OneOf((1.0, 3.0, 10.0, 30.0)), "batch": OneOf((8, 16, 32))}
    config = TuneConfig(train, space, TRIALS, "grid", prune=False)
    return search(config, lambda _: None), config


def test_the_luck_of_the_best_is_taken_off(found: tuple[Any, TuneConfig], tmp_path: Path) -> None:
    study, config = found
    promise = promised(study)
    assert promise is not None
    runs = [Run.open(trial.user_attrs["run"]) for trial in study.trials]
    assert len(runs) == TRIALS
    assert promise.count == runs[0].judged_count
    assert study.best_value > 0.57  # of no more than a half, and said with no word of the other trials
    assert promise.value < study.best_value - 0.03
    low, high = np.array([0.5, 0.5]) + np.array([-2, 2]) * 0.5 / np.sqrt(promise.count)
    assert low < promise.value < high
    best = write_best(study, config, promise)
    assert best is not None
    assert json.loads(best.read_text())["found"]["expected"] == promise.value
    page = write_plots(study, tmp_path / "tune.html", promise).read_text()
    assert promise.said(Score("accuracy", word="right")) in page and "partly by luck" in page


def test_pictures_of_a_group_do_not_choose_for_each_other(found: tuple[Any, TuneConfig]) -> None:
    run = Run.open(found[0].trials[0].user_attrs["run"])
    groups = run.judged_groups
    assert groups == [name[:-1] for name in run.judged_names]
    assert len(set(groups)) < len(groups)


def test_a_run_of_an_earlier_kit_knows_no_groups(found: tuple[Any, TuneConfig], tmp_path: Path) -> None:
    run = Run.open(shutil.copytree(found[0].trials[0].user_attrs["run"], tmp_path / "run"))
    with np.load(run.path / SPLITS) as stored:
        old = {"names": stored["names"], "splits": stored["splits"]}
    np.savez_compressed(run.path / SPLITS, **old)
    assert run.judged_groups == run.judged_names


def test_a_trial_that_is_elsewhere_leaves_nothing_to_promise(found: tuple[Any, TuneConfig]) -> None:
    folder = Path(found[0].trials[0].user_attrs["run"])
    folder.rename(folder.with_suffix(".away"))
    try:
        assert promised(found[0]) is None
    finally:
        folder.with_suffix(".away").rename(folder)
