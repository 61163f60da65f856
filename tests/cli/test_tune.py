"""The tune verb in process: its space, its messages, and that its best settings train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from one_line import one_line

from edgelens.cli import train, tune
from edgelens.cli.train_options import given_in_file
from edgelens.runtime.errors import EdgelensError
from edgelens.train.runs.run import Run

FAST = ["--model", "linear", "--epochs", "1", "--threads", "1", "--precision", "float32", "--augment", "none"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tune") / "halves.npz"
    images = np.random.default_rng(0).integers(0, 100, (80, 12, 12), np.uint8)
    labels = np.arange(80) % 2
    images[labels == 0, :6] += 120
    np.savez(path, images=images, labels=np.array(["above", "below"])[labels])
    return path


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


def test_the_best_settings_train(data: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "tuning")
    searched = ["--search", "rate_factor=0.3,3", "--search", "batch=16..32", "--trials", "2", "--sampler", "random"]
    result = CliRunner().invoke(tune.command, [str(data), "--out", out, *FAST, *searched], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "multiply-adds  rate_factor  batch" in result.output
    assert "trial 2: " in result.stderr
    best = json.loads((tmp_path / "tuning" / "best.json").read_text())
    assert best["config"]["model"] == "linear"
    settings = ["--config", f"{out}/best.json", "--out", str(tmp_path / "run"), "--epochs", "2", "--quiet"]
    result = CliRunner().invoke(train.command, [str(data), *settings], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    config = Run.open(tmp_path / "run").config
    assert (config.rate, config.batch) == (best["config"]["rate"], best["config"]["batch"])
    assert config.epochs == 2, "an option given goes before the file"
    assert config.augment == "none", "the file goes before the default recipe"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", *FAST], "nowhere"),
        (["DATA", *FAST, "--search", "shoe=38"], "--search shoe=38: what can be searched is rate"),
        (["DATA", *FAST, "--search", "depth=1,2"], "--search depth: --model linear has no use for it"),
        (["DATA", *FAST, "--sampler", "luck"], "--sampler luck: must be one of tpe, random, grid"),
        (["DATA", *FAST, "--study", "study.txt"], "--study study.txt: must end in .db"),
        (["DATA", *FAST, "--config", "none.json"], "--config none.json: could not be read"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [str(data) if a == "DATA" else a for a in arguments]
    with pytest.raises(EdgelensError) as caught:
        CliRunner().invoke(tune.command, arguments, catch_exceptions=False)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_of_settings_that_is_none_is_named(data: Path, tmp_path: Path) -> None:
    for text, message in (
        ("[1]", "is no JSON object"),
        ("{", "is no JSON object"),
        ('{"options": "x"}', "is no JSON object"),
        ('{"colour": 1}', "'colour'"),
    ):
        (tmp_path / "c.json").write_text(text)
        arguments = [str(data), "--config", str(tmp_path / "c.json"), "--out", str(tmp_path / "run")]
        with pytest.raises(EdgelensError, match=message):
            CliRunner().invoke(train.command, arguments, catch_exceptions=False)


BEST = {"config": {"task": "classify", "focal_gamma": 2.0, "label_smoothing": 0.1, "options": {}}}


@pytest.mark.parametrize(
    ("settings", "task", "message"),
    [
        ({"focal_gamma": 3.0}, "identify", "c.json: focal_gamma: is for --task classify; --task identify has no use"),
        ({"focal_gamma": 2.0}, "classify", "c.json: focal_gamma: goes with --loss focal"),
        ({"options": {"finest": 8}}, "identify", "c.json: finest: is for --task detect"),
        (BEST, "identify", "c.json: label_smoothing: is for --task classify; --task identify has no use"),
    ],
)
def test_what_a_file_of_settings_says_to_another_task_is_refused(
    tmp_path: Path, settings: dict[str, Any], task: str, message: str
) -> None:
    (tmp_path / "c.json").write_text(json.dumps(settings))
    images = np.random.default_rng(0).integers(0, 100, (60, 20, 20), np.uint8)
    np.savez(tmp_path / "six.npz", images=images, labels=np.array(list("abcdef"))[np.arange(60) % 6])
    given = ["--config", str(tmp_path / "c.json"), "--task", task, "--model", "resnet8"]
    arguments = [str(tmp_path / "six.npz"), *given]
    for verb, out in ((train.command, tmp_path / "run"), (tune.command, tmp_path / "tuned")):
        with pytest.raises(EdgelensError) as caught:
            CliRunner().invoke(verb, [*arguments, "--out", str(out)], catch_exceptions=False)
        one_line(caught.value, f"--config {tmp_path}/{message}")
        assert not (out / "run.json").exists()


def test_what_a_search_found_is_given_to_its_own_task_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps(BEST))
    assert given_in_file(str(tmp_path / "c.json"), "classify") == {}
