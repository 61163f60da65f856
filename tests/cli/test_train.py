"""The train verb: options, messages, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli.train import command
from edgelens.runtime.errors import EdgelensError, UsageError
from edgelens.train import Run

FAST = ["--model", "linear", "--epochs", "1", "--threads", "1", "--precision", "float32", "--augment", "none"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that a linear network tells apart: bright above, bright below."""
    path = tmp_path_factory.mktemp("data") / "halves.npz"
    draw = np.random.default_rng(0)
    images = draw.integers(0, 100, (120, 12, 12), np.uint8)
    labels = np.arange(120) % 2
    images[labels == 0, :6] += 120
    images[labels == 1, 6:] += 120
    np.savez(path, images=images, labels=np.array(["above", "below"])[labels])
    return path


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def train(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_options_reach_the_run(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(
        *(str(data), "--out", str(out), "--model", "mlp", "--dense", "16", "--depth", "1", "--dropout", ".1"),
        *("--optimizer", "nesterov", "--rate", ".02", "--schedule", "one-cycle", "--epochs", "2", "--ema", ".9"),
        *("--label-smoothing", ".1", "--clip", "1", "--l2", ".001", "--seed", "3", "--size", "10x14", "--val", ".25"),
        *("--recipe", "quick", "--threads", "1", "--precision", "float32", "--quiet"),
    )
    config = Run.open(out).config
    assert (config.options.dense, config.options.depth, config.options.dropout) == (16, 1, 0.1)
    assert (config.optimizer, config.rate, config.schedule, config.ema) == ("nesterov", 0.02, "one-cycle", 0.9)
    assert (config.size, config.seed, config.augment) == ((10, 14), 3, "quick")
    assert Run.open(out).pixels.color == "gray"


def test_it_says_cost_data_mode_epochs_and_what_comes_next(data: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(data), "--out", str(tmp_path / "run"), *FAST])
    assert result.exit_code == 0
    for part in ("linear for 12×12 gray: 290 parameters, 288 multiply-adds", "102 train, 18 val; 2 classes",
                 "trains in float32", "epoch 1/1", "temperature", "next, edgelens compress"):  # fmt: skip
        assert part in result.output


def test_json_has_the_metrics(data: Path, tmp_path: Path) -> None:
    said = train(str(data), "--out", str(tmp_path / "run"), *FAST, "--epochs", "4", "--quiet", "--json", "-")
    value = json.loads(said)
    assert value["metrics"]["val_accuracy"] > 0.9
    assert value["parameters"] == 290


def test_a_run_goes_on_as_it_was_begun(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    begin = [str(data), "--out", str(out), *FAST, "--epochs", "2"]
    with monkeypatch.context() as patched, pytest.raises(click.Abort):
        patched.setattr("edgelens.train.loop.best_of", stopped)
        command.main(begin, standalone_mode=False)
    for option, value in (("--epochs", "5"), ("--rate", ".1"), ("--val", ".2"), ("--recipe", "best")):
        with pytest.raises(UsageError, match=f"{option}: goes not with --resume"):
            train("--resume", str(out), option, value)
    train("--resume", str(out), "--threads", "2", "--ram-limit", "500MB", "--quiet")
    run = Run.open(out)
    assert (run.config.threads, run.config.ram_limit, run.config.epochs) == (2, 500_000_000, 2)
    again = CliRunner().invoke(command, ["--resume", str(out)])
    assert again.exit_code == 0
    assert f"{out} is finished; to train on from it: edgelens train DATA --from {out}" in again.stderr


def stopped(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--dense", "9"), "--dense: --model linear has no use for it; it takes no such options"),
        (("--model", "mlp", "--pool", "max"), "--pool: --model mlp has no use for it; it takes --width, --depth"),
        (("--neck", "16"), "--neck: is for --task detect; --task classify has no use for it"),
        (("--written", ".5"), "--written: is for --task read; --task classify has no use for it"),
        (("--focal-gamma", "3"), "--focal-gamma: goes with --loss focal or --imbalance focal"),
        (("--teacher-share", ".5"), "--teacher-share: goes with --teacher RUN"),
        (("--momentum", ".5", "--optimizer", "sgd"), "--momentum: goes with --optimizer momentum, nesterov, adam"),
        (("--loss", "squared", "--imbalance", "focal"), "--loss: goes with another --imbalance than focal"),
        (("--group", "x", "--groups", "y.csv"), "--group: goes with no --groups FILE beside it"),
        (("--data-dir", "here"), "--data-dir: goes with a set's name as DATA: mnist"),
        (("--folds", "3", "--val", ".2"), "--val: goes with no --folds beside it: the fold validates"),
        (("--folds", "3", "--test", ".2"), "--test: goes with no --folds beside it: all photos are in a fold"),
        (("--fold", "1"), "fold 1 of 0: at least 2 folds"),
        (("--minutes", "0"), "--minutes 0: leaves a head on a frozen network; here linear learns all of it"),
    ],
)
def test_options_that_mean_nothing_here_are_refused(
    data: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        train(str(data), "--out", str(tmp_path / "run"), *FAST, *words)
    assert not (tmp_path / "run").exists()


def test_runs_get_folders_of_their_own(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        train(str(data), *FAST, "--quiet")
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["halves-linear", "halves-linear-2"]


def test_a_start_that_fails_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "cup").mkdir(parents=True)
    with pytest.raises(EdgelensError, match="has no images"):
        train("photos")
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["photos"]


def test_the_sheet_and_the_list_train_nothing(data: Path, tmp_path: Path) -> None:
    import cv2

    train(str(data), "--show-augmented", str(tmp_path / "sheet.png"), "--out", str(tmp_path / "run"))
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[0] > 500
    assert not (tmp_path / "run").exists()
    with pytest.raises(EdgelensError, match="--texts: is for --task read"):
        train(str(data), "--show-augmented", str(tmp_path / "other.png"), "--texts", "[AB]{2}")
    assert not (tmp_path / "other.png").exists()
    assert "resnet8" in train("--list-models")


def test_a_learning_curve_grows(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(str(data), "--out", str(out), *FAST, "--quiet", "--learning-curve")
    rows = (out / "learning-curve.csv").read_text().splitlines()
    assert rows[0] == "images,accuracy,error"
    assert [int(row.split(",")[0]) for row in rows[1:]] == [12, 26, 52, 102]


def test_a_learning_curve_leaves_the_standard_output_to_the_json(data: Path, tmp_path: Path) -> None:
    asked = [str(data), "--out", str(tmp_path / "run"), *FAST, "--quiet", "--learning-curve", "--json", "-"]
    result = CliRunner().invoke(command, asked, catch_exceptions=False)
    assert json.loads(result.stdout)["parameters"] == 290
    assert "12 images: " in result.stderr


def test_a_learning_curve_is_not_for_torchrun_whose_others_would_be_waited_for(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="--learning-curve: is for one process"):
        train(str(data), "--out", str(tmp_path / "run"), *FAST, "--learning-curve")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rate": "fast"}, "rate is 'fast'"),
        ({"size": [24]}, r"size is \[24\]"),
        ({"options": {"width": "wide"}}, "width is 'wide'"),
        ({"augment": 3}, "augment is 3"),
        ({"loss": ["x"]}, r"loss is \['x'\]"),
        ({"batch": 2.5}, "batch is 2.5"),
        ({"minutes": True}, "minutes is True"),
        ({"freeze": "backbone"}, "freeze is 'backbone'"),
        ({"mirror": "no"}, "mirror is 'no'"),
    ],
)
def test_a_setting_of_a_wrong_kind_is_named(data: Path, tmp_path: Path, settings: dict[str, object], said: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings))
    with pytest.raises(EdgelensError, match=f"--config .*settings.json: {said}, which does not fit"):
        train(str(data), "--out", str(tmp_path / "run"), "--config", str(file))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give DATA"),
        (["--resume", "nowhere"], "is no run"),
        (["DATA", "--resume", "nowhere"], "takes no DATA"),
        (["DATA", "--recipe", "magic"], "must be one of"),
        (["DATA", "--size", "big"], "write a number"),
        (["DATA", "--ram-limit", "much"], "write a size"),
        (["DATA", "--ram-limit", "inf"], "write a size"),
        (["DATA", "--ram-limit", "-5MB"], "write a size"),
        (["DATA", "--width", "1000", "--model", "resnet8"], "--width 1000.0: must be above 0"),
        (["DATA", "--seed", "9" * 30], "seed 9+: must be at least 0"),
        (["DATA", "--from", "nowhere"], "there is no"),
        (["DATA", "--color", "gray", "--augment", "odd"], "there are none, quick"),
    ],
)
def test_wrong_command_lines_are_one_line(data: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    given = [str(data) if part == "DATA" else part for part in arguments]
    with pytest.raises(EdgelensError, match=message) as caught:
        train(
            *given, *(["--out", str(tmp_path / "run")] if "DATA" in arguments and "--resume" not in arguments else [])
        )
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_a_gpu_that_is_not_there_is_one_line(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EdgelensError, match="--device cuda: torch sees no GPU here") as caught:
        train(str(data), "--out", str(tmp_path / "run"), "--device", "cuda")
    assert caught.value.exit_code == 2


def test_broken_data_is_one_line_on_stderr_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("no images")
    one = tmp_path / "one" / "cats"
    one.mkdir(parents=True)
    import cv2

    for i in range(4):
        cv2.imwrite(str(one / f"{i}.png"), np.full((16, 16, 3), 40 * i, np.uint8))
    for data, part in (("empty", "empty"), ("file.txt", "file.txt"), ("one", "task classify")):
        done = subprocess.run(
            [sys.executable, "-m", "edgelens", "train", str(tmp_path / data), "--out", str(tmp_path / "run")],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
        assert part in done.stderr
        assert not (tmp_path / "run").exists()
