"""The make verb: photos in, a proven bundle and a card out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli.deploy import command as deploy
from edgelens.cli.make import _minutes_of_search, _quick_enough, command
from edgelens.cli.make_card import next_command
from edgelens.cli.run import command as run
from edgelens.cli.teach import command as teach
from edgelens.cli.train_options import recipe_config
from edgelens.compress.search.search import SearchConfig
from edgelens.devices.predict.side import largest_side
from edgelens.devices.profile import load_profile
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import EdgelensError, UsageError
from edgelens.train.config import TrainConfig
from edgelens.train.start import pretrained
from edgelens.train.tasks.catalog import make_task


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ninety pictures of three classes, some of them hard to tell."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 150, (90, 32, 32, 3), np.uint8)
    labels = np.arange(90) % 3
    images[labels == 0, :16] += 30
    images[labels == 1, :, :16] += 30
    images[labels == 2, 8:24, 8:24] += 30
    np.savez(tmp_path / "photos.npz", images=images, labels=np.array(["top", "side", "middle"])[labels])
    return tmp_path / "photos.npz"


@pytest.mark.slow
def test_photos_become_a_proven_bundle_and_a_card(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: Mapping[str, Any] = {"lens-s": replace(pretrained.STARTS["lens-s"], frozen=True)}
    monkeypatch.setattr(pretrained, "STARTS", starts)  # the small backbone stands in for the large one
    out, told = tmp_path / "cups.edge", tmp_path / "cups.json"
    asked = [str(photos), "--out", str(out), "--recipe", "quick", "--model", "lens-s", "--json", str(told)]
    result = CliRunner().invoke(command, asked, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    for line in ("[1/4] train", "[2/4] compress", "[3/4] verify", "[4/4] evaluate: left out, nothing is"):
        assert line in result.output
    card = result.stdout
    assert f"{out}: " in card
    assert "right before compression; each of all photos answered by" in card
    assert re.search(r"the same +as the trained network on [\d.]+ % \([\d. to]+\) of \d+ photos", card)
    for title in ("right ", "runs ", "proven ", "confuses ", "wrongest ", "next "):
        assert f"  {title}" in card
    assert len([line for line in card.splitlines() if ": is " in line]) <= 5
    assert Bundle.open(out).manifest.main.labels == ("middle", "side", "top")
    said = json.loads(told.read_text())
    assert said["proven"] is True
    assert said["metrics"]["val"]["images"] == 90
    assert (tmp_path / "cups.run" / "report.html").exists()
    assert "cross-validation" in said["card"]["evaluated_on"]


@pytest.mark.slow
def test_limits_are_kept_or_named(photos: Path, tmp_path: Path) -> None:
    asked = [str(photos), "--recipe", "quick", "--model", "lens-s", "--quiet", "--run", str(tmp_path / "run"), "--out"]
    out = tmp_path / "cups.edge"
    limited = [*asked, str(out), "--max-size", "200KB", "--test", "0.2"]
    result = CliRunner().invoke(command, limited, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert " on the 18 photos of the test split" in result.output  # which the run set aside
    assert re.search(r"  after +[\d.]+ % \([\d. to]+\) accuracy on 18 test images", result.output)
    assert "as its own network in float32 on " in result.output
    assert max(file.bytes for file in Bundle.open(out).manifest.main.files) <= 200_000
    for option, wrong in (("--max-latency", "fast"), ("--max-size", "12")):
        with pytest.raises(UsageError, match=f"{option} {wrong}: write a number and a unit"):
            CliRunner().invoke(command, [*asked, str(tmp_path / "no.edge"), option, wrong], catch_exceptions=False)


def test_a_target_that_is_no_bundle_is_refused_before_the_work(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.edge"):
        CliRunner().invoke(command, [str(photos), "--out", str(tmp_path / "cups")], catch_exceptions=False)
    (tmp_path / "notes.edge").write_text("what I noted")
    with pytest.raises(UsageError, match="is a file that is no bundle"):
        CliRunner().invoke(command, [str(photos), "--out", str(tmp_path / "notes.edge")], catch_exceptions=False)
    assert not list(tmp_path.glob("*.run"))


def test_an_unknown_recipe_or_board_is_refused_before_the_work(photos: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "cups.edge")
    with pytest.raises(UsageError, match="--recipe slow: must be one of quick"):
        CliRunner().invoke(command, [str(photos), "--out", out, "--recipe", "slow"], catch_exceptions=False)
    with pytest.raises(EdgelensError, match="toaster"):
        CliRunner().invoke(command, [str(photos), "--out", out, "--device", "toaster"], catch_exceptions=False)
    assert not list(tmp_path.glob("*.run"))


def test_what_decides_a_training_is_handed_on(photos: Path, tmp_path: Path) -> None:
    words = [str(photos), "--out", str(tmp_path / "cups.edge"), "--model", "lens-s"]
    for options, said in (
        (["--unlabelled", "more"], "--unlabelled more: goes with --teacher RUN"),
        (["--groups", str(tmp_path / "none.csv")], "none.csv"),
        (["--group", "["], "--group"),
        (["--teacher", str(tmp_path / "none")], "is no run"),
    ):
        done = CliRunner().invoke(command, [*words, *options])
        assert isinstance(done.exception, EdgelensError) and said in str(done.exception), (options, done.exception)
    config = recipe_config(str(photos), "run", {"val": 0.3, "test": 0.1, "keep": 0.9, "threads": 2})
    assert (config.val, config.test, config.keep, config.threads) == (0.3, 0.1, 0.9, 2)
    names = {option.name for option in command.params}
    assert {"val", "test", "keep", "threads"} <= names


def test_the_search_within_limits_has_what_training_left_of_the_minutes() -> None:
    assert _minutes_of_search(10, 60) == 9
    assert _minutes_of_search(9, 600) == 3
    assert _minutes_of_search(None, 60) == _minutes_of_search(0, 60) == SearchConfig.minutes


def test_a_photo_is_as_large_as_the_board_is_quick() -> None:
    sides = make_task(TrainConfig("data", "out")).looks.sides
    pi4, zero = load_profile("rpi4"), load_profile("rpi-zero2w")
    side, ms = largest_side("efficientnet_lite0", pi4, 100, sides)
    assert (side, ms < 100) == (224, True)
    smaller, less = largest_side("efficientnet_lite0", zero, 100, sides)
    assert smaller < 224 and 60 < less <= 100
    hopeless, too_long = largest_side("efficientnet_lite0", zero, 1, sides)
    assert hopeless == 96 and too_long > 1
    assert largest_side("efficientnet_lite0", zero, less - 1, sides)[0] < smaller


@pytest.mark.parametrize(("most_ms", "longer"), [(100.0, ""), (0.01, ", longer than 0.01 ms: ")])
def test_a_limit_that_no_size_is_expected_to_keep_is_said_before_the_training(
    most_ms: float, longer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = make_task(TrainConfig("data", "out", task="detect")).looks
    _quick_enough("rpi4", most_ms, looks, quiet=False)
    said = capsys.readouterr().err
    assert ("longer than" in said) == bool(longer)
    assert longer in said


def test_what_finds_things_looks_at_more_and_costs_more_than_its_trunk() -> None:
    looks, pi4 = make_task(TrainConfig("data", "out", task="detect")).looks, load_profile("rpi4")
    _, trunk = largest_side("efficientnet_lite0", pi4, 1000, looks.sides)
    side, whole = largest_side("efficientnet_lite0", pi4, 1000, looks.sides, beside=looks.beside)
    assert side == 320 and trunk < whole
    assert largest_side("efficientnet_lite0", pi4, 100, looks.sides, beside=looks.beside)[0] == 256


@pytest.mark.slow
def test_photos_with_boxes_become_a_detector(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (tmp_path / "boxes" / folder).mkdir(parents=True)
    for i in range(24):
        image = draw.integers(0, 60, (64, 64, 3), np.uint8)
        x, y = draw.integers(0, 40, 2)
        image[y : y + 24, x : x + 24] = 255
        cv2.imwrite(str(tmp_path / "boxes" / "images" / f"{i}.png"), image)
        (tmp_path / "boxes" / "labels" / f"{i}.txt").write_text(f"0 {(x + 12) / 64} {(y + 12) / 64} .375 .375\n")
    (tmp_path / "boxes" / "data.yaml").write_text("names: [square]\n")
    out = tmp_path / "squares.edge"
    asked = [str(tmp_path / "boxes"), "--out", str(out), "--recipe", "quick", "--size", "64"]
    result = CliRunner().invoke(command, asked, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "is made for --task detect" in result.output
    assert " mAP50, " in result.stdout
    assert Bundle.open(out).manifest.main.task == "detect"


def test_what_is_to_be_typed_next_is_a_command() -> None:
    for device, host in (("rpi4", None), (None, "pi@camera"), ("rpi4", "pi@camera")):
        words = next_command("cups.edge", device, host, knows=True).split()
        assert words[:2] == ["edgelens", "deploy"]
        assert deploy.make_context("deploy", words[2:]).params["host"] == (host or "HOST")
    words = next_command("cups.edge", None, None, knows=True).split()
    assert run.make_context(words[1], words[2:]).params["model"] == "cups.edge"
    words = next_command("who.edge", None, None, knows=False).split()
    assert teach.make_context(words[1], words[2:]).params["model"] == "who.edge"


def test_a_run_is_not_written_over_another_nor_among_the_photos(tmp_path: Path) -> None:
    photos, there = tmp_path / "photos", tmp_path / "run"
    (photos / "cup").mkdir(parents=True)
    there.mkdir()
    (there / "run.json").write_text("{}")
    for folder, said in ((there, "holds a run already"), (photos, "lies among the photos"),
                         (photos / "run", "lies among the photos")):  # fmt: skip
        words = [str(photos), "--out", str(tmp_path / "x.edge"), "--run", str(folder)]
        done = CliRunner().invoke(command, words)
        assert isinstance(done.exception, UsageError) and said in str(done.exception)
    assert (there / "run.json").read_text() == "{}"
