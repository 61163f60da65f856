"""What the best trial of a search promises: not the luck of having been the best on few pictures."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import create_trial

from edgelens.train.config import TrainConfig
from edgelens.train.report.score import Score
from edgelens.train.runs.outputs import SplitOutputs
from edgelens.train.runs.run import FACTS, SPLITS, Run
from edgelens.train.training import fit
from edgelens.train.tune.plots import write_plots
from edgelens.train.tune.promise import promised
from edgelens.train.tune.search import TuneConfig, write_best

TRIALS, SCORE = 12, Score("accuracy", word="right")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A training on pictures of two kinds, ten of which are a group."""
    folder = tmp_path_factory.mktemp("trial")
    draw = np.random.default_rng(0)
    images, labels = draw.integers(0, 255, (240, 12, 12), np.uint8), np.arange(240) % 2
    np.savez(folder / "noise.npz", images=images, labels=labels)
    config = TrainConfig(
        str(folder / "noise.npz"), str(folder / "run"), model="linear", epochs=1, val=0.25, augment="none",
        precision="float32", group="(.*).$", cache=str(folder / "cache"),
    )  # fmt: skip
    return fit(config, quiet=True)


def search_of(run: Run, folder: Path, seed: int) -> Any:
    """Trials that answer as a coin does: half of two classes is the truth of each, the best among few is far above."""
    kept, draw = SplitOutputs.load(run.path), np.random.default_rng(seed)
    truth = np.asarray(kept.val_targets.arrays()["values"])
    found = optuna.create_study(direction="maximize")
    found.set_user_attr("score", asdict(SCORE))
    for number in range(TRIALS):
        trial = folder / f"{seed}-{number}"
        trial.mkdir()
        for name in (FACTS, SPLITS):
            shutil.copy(run.path / name, trial / name)
        logits = draw.normal(size=(len(truth), 2)).astype(np.float32)
        SplitOutputs({"logits": logits}, kept.val_targets, kept.train, kept.train_targets).save(trial)
        facts = {"run": str(trial), "macs": 144, "parameters": 290, "seconds": 1.0, "best_epoch": 1}
        right = float((logits.argmax(1) == truth).mean())
        found.add_trial(create_trial(value=right, params={}, distributions={}, user_attrs=facts))
    return found


def test_the_luck_of_the_best_is_taken_off(run: Run, tmp_path: Path) -> None:
    lucky, honest = [], []
    for seed in range(8):
        promise = promised(study := search_of(run, tmp_path, seed))
        assert promise is not None
        assert promise.count == run.judged_count == 60
        lucky.append(study.best_value)
        honest.append(promise.value)
    assert np.mean(lucky) > 0.59
    assert abs(np.mean(honest) - 0.5) < 0.05  # two standard errors of 8 × 60 pictures
    best = write_best(study, TuneConfig(run.config, {}), promise)
    assert best is not None
    assert json.loads(best.read_text())["found"]["expected"] == promise.value
    page = write_plots(study, tmp_path / "tune.html", promise).read_text()
    assert promise.said(SCORE) in page and "partly by luck" in page


def test_of_one_trial_or_of_one_that_is_elsewhere_nothing_is_promised(run: Run, tmp_path: Path) -> None:
    study = search_of(run, tmp_path, 0)
    gone = Path(study.trials[0].user_attrs["run"])
    shutil.rmtree(gone)
    assert promised(study) is None
    alone = optuna.create_study(direction="maximize")
    alone.add_trial(study.trials[1])
    assert promised(alone) is None


def test_a_run_knows_the_groups_of_what_judged_it(run: Run) -> None:
    assert run.judged_groups == [name[:-1] for name in run.judged_names]
    assert len(set(run.judged_groups)) < len(run.judged_groups)


def test_in_a_run_of_an_earlier_kit_each_picture_stands_for_itself(run: Run, tmp_path: Path) -> None:
    old = Run.open(shutil.copytree(run.path, tmp_path / "old"))
    with np.load(run.path / SPLITS) as stored:
        np.savez_compressed(old.path / SPLITS, names=stored["names"], splits=stored["splits"])
    assert old.judged_groups == old.judged_names
