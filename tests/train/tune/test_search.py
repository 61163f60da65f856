"""The search on real trainings: shared, stopped, gone on with, pruned; and what it writes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial
from sklearn.datasets import load_digits

from edgelens.runtime.errors import UsageError, WorkError
from edgelens.train.config import EPOCHS, TrainConfig
from edgelens.train.task import Score
from edgelens.train.training import fit
from edgelens.train.tune.heartbeat import MOST_TRIES, Heartbeat, requeue_abandoned
from edgelens.train.tune.plots import importance, pareto, write_plots
from edgelens.train.tune.pruner import HopelessPruner
from edgelens.train.tune.search import TuneConfig, search, write_best
from edgelens.train.tune.space import OneOf, Span
from edgelens.train.tune.storage import open_study

SCORE = Score("accuracy", word="right")
SPACE = {"rate_factor": Span(0.1, 10, log=True), "batch": OneOf((32, 64))}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tune")
    digits = load_digits()
    np.savez(folder / "digits.npz", images=(digits.images[:300] * 15.9).astype(np.uint8), labels=digits.target[:300])
    return folder / "digits.npz"


def tuning(data: Path, out: Path, **changes: Any) -> TuneConfig:
    train = TrainConfig(
        str(data),
        str(out),
        model="linear",
        epochs=2,
        augment="none",
        precision="float32",
        cache=str(data.parent / "cache"),
    )
    return replace(TuneConfig(train, SPACE, trials=2), **changes)


def quiet(line: str) -> None:
    del line


def test_a_search_finds_settings_that_train_takes(data: Path, tmp_path: Path) -> None:
    config = tuning(data, tmp_path)
    lines: list[str] = []
    study = search(config, lines.append)
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 2
    assert len(lines) == 2
    assert lines[0].endswith(" s; 1 more, about 1 min") and lines[1].endswith(" s")
    assert len({t.params["rate_factor"] for t in study.trials}) == 2
    assert all(t.user_attrs["macs"] == 640 for t in study.trials)
    best = write_best(study, config)
    assert best is not None
    written = json.loads(best.read_text())
    assert written["found"]["accuracy"] == study.best_value
    assert "data" not in written["config"]
    unsaid = replace(config, train=replace(config.train, epochs=0))  # as it comes from the command line
    assert json.loads(str(write_best(study, unsaid).read_text()))["config"]["epochs"] == EPOCHS
    again = TrainConfig.from_json(written["config"] | {"data": str(data), "out": str(tmp_path / "again")})
    assert (fit(again, quiet=True).facts.metrics or {})["val_accuracy"] == pytest.approx(study.best_value)
    assert search(config, quiet).trials == study.trials, "the budget is the study's, not the process's"


def test_the_same_seed_draws_the_same_trials(data: Path, tmp_path: Path) -> None:
    drawn = []
    for name in ("a", "b"):
        study = search(tuning(data, tmp_path / name, trials=2, sampler="random"), quiet)
        drawn.append([(t.params, t.value) for t in study.trials])
    assert drawn[0] == drawn[1]


def test_a_grid_is_walked_once(data: Path, tmp_path: Path) -> None:
    space = {"rate_factor": OneOf((0.3, 1.0)), "batch": OneOf((64,))}
    config = tuning(data, tmp_path, sampler="grid", space=space, trials=30)
    study = search(config, quiet)
    params = [tuple(t.params.values()) for t in study.trials]
    assert len(params) == len(set(params)) == 2
    assert search(config, quiet).trials == study.trials


def test_other_options_than_the_trials_had_are_refused(data: Path, tmp_path: Path) -> None:
    """Their scores are not to be compared, and `best.json` would say what nobody trained."""
    config = tuning(data, tmp_path, trials=1)
    search(config, quiet)
    for change, said in (
        ({"epochs": 3}, "epochs 2, not 3"),
        ({"val": 0.4}, r"val 0\.15, not 0\.4"),
        ({"l2": 0.1}, "l2 left to the data, not 0.1"),
    ):
        with pytest.raises(UsageError, match=f"its trials have {said}; go on with that, or give"):
            search(replace(config, train=replace(config.train, **change)), quiet)
    elsewhere = replace(config.train, threads=1, cache=str(tmp_path / "cache"), precision="auto")
    assert len(search(replace(config, train=elsewhere, trials=2), quiet).trials) == 2


def test_a_space_of_fewer_settings_than_trials_is_said(data: Path, tmp_path: Path) -> None:
    """What is drawn may be one and the same each time, and the other setting is never tried."""
    said: list[str] = []
    few = {"batch": OneOf((32, 64))}
    search(tuning(data, tmp_path / "few", space=few, trials=3, sampler="random"), said.append)
    assert said[0] == "3 trials of 2 different settings: --sampler grid tries each once, and no more"
    for name, space, sampler in (("enough", few, "random"), ("span", SPACE, "random"), ("grid", few, "grid")):
        said.clear()
        search(tuning(data, tmp_path / name, space=space, trials=2, sampler=sampler), said.append)
        assert not any("different settings" in line for line in said)


def test_equal_trials_are_runs_of_their_own(data: Path, tmp_path: Path) -> None:
    study = search(tuning(data, tmp_path, space={"batch": OneOf((32,))}, sampler="random"), quiet)
    folders = {t.user_attrs["run"] for t in study.trials}
    assert len(folders) == 2
    assert all(Path(folder).is_dir() for folder in folders)


def test_another_space_or_data_set_is_refused(data: Path, tmp_path: Path) -> None:
    search(tuning(data, tmp_path, trials=1), quiet)
    with pytest.raises(UsageError, match="searches another space; give this one another --name"):
        search(tuning(data, tmp_path, space={"batch": OneOf((8,))}), quiet)
    with pytest.raises(UsageError, match=r"must end in .db \(SQLite\) or .journal"):
        search(tuning(data, tmp_path, study=str(tmp_path / "x.txt")), quiet)
    with pytest.raises(WorkError, match="could not be opened"):
        search(tuning(data, tmp_path, study="sqlite:////nowhere/at/all.db"), quiet)
    with pytest.raises(UsageError, match="--sampler best: must be one of tpe, random, grid"):
        search(tuning(data, tmp_path, sampler="best"), quiet)


def test_failures_are_told_and_end_the_search_at_last(data: Path, tmp_path: Path) -> None:
    config = tuning(data, tmp_path, trials=9)
    config = replace(config, train=replace(config.train, model="resnet"), space={"size": OneOf((1, 2))})
    with pytest.raises(WorkError, match="5 trials in a row failed, the last with: --model resnet: needs pictures"):
        search(config, quiet)
    study = open_study(
        str(tmp_path / "tune.db"), "edgelens", space=config.space, data=str(data), score=SCORE, prune=True
    )
    assert {t.state for t in study.trials} == {TrialState.FAIL}
    assert write_best(study, config) is None
    assert write_plots(study, tmp_path / "tune.html").exists()


@pytest.mark.parametrize("storage", ["tune.db", "tune.journal"])
def test_what_a_dead_process_left_is_done_again(tmp_path: Path, storage: str) -> None:
    study = open_study(str(tmp_path / storage), "s", space=SPACE, data="d", score=SCORE, prune=False)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    trial = study.ask()
    trial.suggest_categorical("batch", (32, 64))
    with Heartbeat(trial):
        assert requeue_abandoned(study) == 0, "this very process works on it"
    trial.set_user_attr("worker", f"{__import__('socket').gethostname()}:{gone.pid}")
    assert requeue_abandoned(study) == 1
    assert requeue_abandoned(study) == 0
    waiting = study.ask()
    assert waiting.suggest_categorical("batch", (32, 64)) == trial.params["batch"]
    assert study.trials[trial.number].state == TrialState.FAIL
    elsewhere = study.trials[waiting.number]
    assert elsewhere.user_attrs["tries"] == 2
    waiting.set_user_attr("worker", "another-machine:1")
    waiting.set_user_attr("alive", time.time())
    assert requeue_abandoned(study) == 0
    waiting.set_user_attr("alive", time.time() - 1000)
    assert requeue_abandoned(study) == 1
    last = study.ask()
    last.suggest_categorical("batch", (32, 64))
    last.set_user_attr("worker", f"another-machine:{os.getpid()}")
    last.set_user_attr("alive", 0.0)
    assert MOST_TRIES == 3
    assert requeue_abandoned(study) == 0, "three times is enough"
    assert study.trials[last.number].state == TrialState.FAIL


def test_a_heartbeat_beats(tmp_path: Path) -> None:
    study = open_study(str(tmp_path / "tune.journal"), "s", space=SPACE, data="d", score=SCORE, prune=False)
    trial = study.ask()
    with Heartbeat(trial, every_s=0.05):
        first = study.trials[0].user_attrs["alive"]
        deadline = time.monotonic() + 5
        while study.trials[0].user_attrs["alive"] == first and time.monotonic() < deadline:
            time.sleep(0.05)
    assert study.trials[0].user_attrs["alive"] > first


def command(data: Path, out: Path, *more: str) -> list[str]:
    options = ["--model", "linear", "--augment", "none", "--precision", "float32", "--threads", "1"]
    cache = ["--cache", str(data.parent / "cache")]
    search_over = ["--search", "rate_factor=0.1..10:log", "--search", "batch=32,64"]
    return [
        sys.executable,
        "-m",
        "edgelens",
        "tune",
        str(data),
        "--out",
        str(out),
        *options,
        *cache,
        *search_over,
        *more,
    ]


def test_two_processes_share_a_study(data: Path, tmp_path: Path) -> None:
    where = str(tmp_path / "tune.db")
    study_options = ("--study", where, "--trials", "3", "--epochs", "2")
    workers = [
        subprocess.Popen(
            command(data, tmp_path / "out", *study_options), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    for worker in workers:
        _, errors = worker.communicate(timeout=100)
        assert worker.returncode == 0, errors.decode()
    config = tuning(data, tmp_path / "out")
    study = open_study(where, "edgelens", space=SPACE, data=str(data), score=SCORE, prune=True)
    done = [t for t in study.trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    assert 3 <= len(done) <= 4
    assert len({t.params["rate_factor"] for t in done}) == len(done), "each drew its own"
    assert (config.folder / "tune.html").exists()


@pytest.mark.timeout(300)
def test_interrupted_and_gone_on_with(data: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        command(data, tmp_path, "--trials", "2", "--epochs", "4000"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 60
        history = tmp_path / "trials"
        while not list(history.glob("*/metrics.csv")) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 130, errors.decode()
        assert "Traceback" not in errors.decode()
    study = open_study(str(tmp_path / "tune.db"), "edgelens", space=SPACE, data=str(data), score=SCORE, prune=True)
    first, again = study.trials
    assert (first.state, again.state) == (TrialState.FAIL, TrialState.WAITING)
    assert again.system_attrs["fixed_params"] == first.params


def test_a_trial_goes_on_from_its_checkpoint(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tuning(data, tmp_path, trials=1)
    config = replace(config, train=replace(config.train, epochs=4))

    def stopped_after_two(train: TrainConfig, *, quiet: bool, overwrite: bool, watch: Any) -> Any:
        def told(row: dict[str, float]) -> None:
            watch(row)
            if row["epoch"] == 2:
                raise KeyboardInterrupt

        return fit(train, quiet=quiet, overwrite=overwrite, watch=told)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("edgelens.train.tune.search.fit", stopped_after_two)
        search(config, quiet)
    study = search(config, quiet)
    first, second = study.trials
    assert (first.state, second.state) == (TrialState.FAIL, TrialState.COMPLETE)
    assert list(first.intermediate_values) == [25, 50]
    assert list(second.intermediate_values) == [75, 100]
    assert second.params == first.params
    assert len([*(tmp_path / "trials").iterdir()]) == 1


def reported(values: dict[int, float], state: TrialState = TrialState.COMPLETE) -> Any:
    value = max(values.values()) if state == TrialState.COMPLETE else None
    return create_trial(state=state, value=value, intermediate_values=values)


def test_the_pruner_stops_what_is_worse_than_most_were() -> None:
    study = optuna.create_study(direction="maximize")
    for i in range(5):
        study.add_trial(reported({25: 0.5 + i / 100, 50: 0.7, 100: 0.8}))
    pruner = HopelessPruner()
    bad, good = ({20: 0.3, 30: 0.4}, {20: 0.3, 30: 0.53})
    assert pruner.prune(study, reported(bad, TrialState.RUNNING))
    assert not pruner.prune(study, reported(good, TrialState.RUNNING))
    assert not pruner.prune(study, reported({10: 0.1}, TrialState.RUNNING)), "too early to say"
    young = optuna.create_study(direction="maximize")
    assert not pruner.prune(young, reported(bad, TrialState.RUNNING)), "nothing to compare with"


def test_where_less_is_better_what_is_larger_is_stopped() -> None:
    study = optuna.create_study(direction="minimize")
    for i in range(5):
        study.add_trial(create_trial(state=TrialState.COMPLETE, value=0.2, intermediate_values={25: 0.5 + i / 100}))
    assert HopelessPruner().prune(study, reported({25: 0.7}, TrialState.RUNNING))
    assert not HopelessPruner().prune(study, reported({25: 0.3}, TrialState.RUNNING))


def planted() -> Any:
    """A study in which the rate decides everything and the batch nothing."""
    study = optuna.create_study(
        study_name="planted <&>", direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0)
    )
    study.set_user_attr("score", asdict(SCORE))
    for _ in range(24):
        trial = study.ask()
        rate = trial.suggest_float("rate_factor", 0.1, 10, log=True)
        trial.suggest_categorical("batch", (32, 64))
        word = trial.suggest_categorical("optimizer", ("adamw", "sgd"))
        trial.set_user_attr("macs", int(1e5 * (1 + rate)) if word == "sgd" else 1_000_000)
        for step in (50, 100):
            trial.report(0.5 - abs(np.log10(rate)) / 4, step)
        study.tell(trial, 0.9 - abs(np.log10(rate)) / 2)
    return study


def test_the_page_shows_what_was_found(tmp_path: Path) -> None:
    study = planted()
    shares = importance(study)
    assert shares["rate_factor"] > 0.6
    front = pareto(study.trials, SCORE)
    assert [t.user_attrs["macs"] for t in front] == sorted(t.user_attrs["macs"] for t in front)
    assert [t.value for t in front] == sorted(t.value for t in front)
    assert all(
        not (o.value > t.value and o.user_attrs["macs"] <= t.user_attrs["macs"]) for t in front for o in study.trials
    )
    text = write_plots(study, tmp_path / "tune.html").read_text("utf-8")
    assert "planted &lt;&amp;&gt;" in text
    for title in ("History", "Accuracy against cost", "What matters", "Every trial as it learned", "Every trial"):
        assert title in text
    assert not re.search(r"https?://|@import|url\(|<script|nan", text)
    assert text.count("<circle") >= 3 * 24
