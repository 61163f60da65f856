"""`edgelens compress` and `edgelens bundle` as people type them."""

import json
import shutil

import pytest
from click.testing import CliRunner

from edgelens.cli import cli


def test_compress_writes_bundle_card_and_report(run_folder, tmp_path):
    out = tmp_path / "d.edge"
    done = CliRunner().invoke(
        cli,
        ["compress", str(run_folder), "--out", str(out), "--formats", "tflite", "--precisions", "int8",
         "--observer", "minmax", "--calibration-images", "16", "--json", "-"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    card = json.loads(done.stdout)
    assert [row["step"] for row in card["steps"]] == ["network in torch", "int8 TFLite"]
    assert out.exists()
    assert "<table>" in (tmp_path / "d.report.html").read_text()


def test_a_device_that_is_not_here_decides_by_what_is_predicted_for_it(run_folder, tmp_path):
    out = tmp_path / "d.edge"
    done = CliRunner().invoke(
        cli,
        ["compress", str(run_folder), "--out", str(out), "--formats", "onnx", "--observer", "minmax",
         "--calibration-images", "16", "--device", "rpi4", "--json", "-"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    rows = {row["step"]: row for row in json.loads(done.stdout)["steps"]}
    assert rows["float32 ONNX"]["device_ms"] > rows["int8 ONNX"]["device_ms"] > 0
    assert rows["int8 ONNX"]["note"] == "preferred"
    assert rows["int8 ONNX"]["device_up_to_ms"] > rows["int8 ONNX"]["device_ms"]
    page = (tmp_path / "d.report.html").read_text()
    assert "p50 on rpi4 (predicted)" in page
    assert "80 % interval up to, on rpi4 (predicted)" in page


def test_an_unknown_device_is_refused_before_the_work(run_folder, tmp_path):
    arguments = ["compress", str(run_folder), "--out", str(tmp_path / "d.edge"), "--device", "rpi9"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exception.exit_code == 2
    assert "rpi9" in str(done.exception)


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no OpenSSH here")
@pytest.mark.parametrize("budget", [[], ["--max-size", "100KB"]])
@pytest.mark.parametrize(
    ("host", "code", "words"),
    [("pi@127.0.0.1", 1, "has no SSH server running"), ("two words", 2, "'two words' is no [USER@]HOST")],
)
def test_a_host_that_cannot_be_reached_is_said_before_the_work(tmp_path, monkeypatch, host, code, words, budget):
    monkeypatch.setenv("EDGELENS_SSH_COMMAND", "ssh -F none -o BatchMode=yes -p 9")
    for model in ("no-such-run", "no-such.onnx"):
        more = ["--calibrate", str(tmp_path)] if model.endswith(".onnx") else budget
        arguments = ["compress", model, "--out", str(tmp_path / "d.edge"), "--on", host, *more]
        done = CliRunner().invoke(cli, arguments)
        assert done.exception.exit_code == code, done.exception
        assert words in str(done.exception)


def test_a_budget_without_a_unit_is_refused(run_folder, tmp_path):
    arguments = ["compress", str(run_folder), "--out", str(tmp_path / "d.edge"), "--max-latency", "15"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exception.exit_code == 2
    assert "15ms" in str(done.exception)


def test_a_budgets_search_takes_its_minutes_and_its_study(run_folder, tmp_path):
    study = tmp_path / "kept"
    done = CliRunner().invoke(
        cli,
        ["compress", str(run_folder), "--out", str(tmp_path / "d.edge"), "--formats", "onnx", "--precisions", "int8",
         "--observer", "minmax", "--calibration-images", "16", "--max-size", "1MB", "--minutes", "2",
         "--study", str(study)],
    )  # fmt: skip
    assert done.exit_code == 0, done.exception
    assert study.is_dir()
    assert "budget: file ≤ 1,000,000 bytes" in done.stdout


def test_an_onnx_file_needs_images(tmp_path):
    file = tmp_path / "m.onnx"
    file.write_bytes(b"x")
    done = CliRunner().invoke(cli, ["compress", str(file), "--out", str(tmp_path / "d.edge")])
    assert done.exception.exit_code == 2
    assert "--calibrate" in str(done.exception)


@pytest.mark.parametrize(
    ("model", "option", "words"),
    [("run", ["--mean", "1"], "--mean: is for .onnx"), ("run", ["--width", "0.5"], "--width: goes with --model"),
     ("run", ["--teacher", "x"], "--teacher: goes with --model or --prune"),
     ("run", ["--rounds", "1"], "--rounds: goes with --prune"), ("run", ["--epochs", "3"], "--epochs: goes with"),
     ("run", ["--minutes", "3"], "--minutes: goes with --max-latency or --max-size"),
     ("run", ["--study", "here"], "--study: goes with --max-latency"),
     ("run", ["--formats", "tflite", "--dynamic-batch"], "--dynamic-batch: goes with onnx among --formats"),
     ("run", ["--on", "pi@nowhere", "--device", "pi4"], "--device: goes not with --on"),
     ("run", ["--precisions", "float32", "--qat", "1"], "--qat: goes with int8 among --precisions"),
     ("run", ["--precisions", "float16", "--calibrate", "x"], "--calibrate: goes with int8 among --precisions"),
     ("run", ["--max-size", "9KB", "--prune", ".5"], "--prune: a budget search decides that by itself"),
     ("m.onnx", ["--qat", "1"], "--qat: is for a trained run"), ("m.onnx", ["--max-size", "9KB"], "--max-size: is for"),
     ("m.onnx", ["--formats", "tflite"], "float32 and int8 ONNX are made")],
)  # fmt: skip
def test_an_option_that_would_do_nothing_is_refused(tmp_path, model, option, words):
    done = CliRunner().invoke(cli, ["compress", model, "--out", str(tmp_path / "d.edge"), *option])
    assert done.exception.exit_code == 2
    assert words in str(done.exception)


@pytest.mark.parametrize("option", [["--qat", "inf"], ["--prune", ".5", "--epochs", "inf"], ["--seed", "-1"]])
def test_a_number_that_ends_nowhere_is_one_line(tmp_path, option):
    done = CliRunner().invoke(cli, ["compress", "run", "--out", str(tmp_path / "d.edge"), *option])
    assert done.exit_code == 2
    assert "is not in the range" in done.output


@pytest.mark.parametrize("option", ["--formats", "--precisions"])
@pytest.mark.parametrize("nothing", ["", " , "])
def test_no_files_at_all_are_refused_before_the_work(tmp_path, option, nothing):
    arguments = ["compress", "no-such-run", "--out", str(tmp_path / "d.edge"), option, nothing]
    done = CliRunner().invoke(cli, arguments)
    assert done.exception.exit_code == 2
    assert str(done.exception).startswith(f"{option}: names none")


def test_what_is_named_twice_is_made_once(run_folder, tmp_path):
    done = CliRunner().invoke(
        cli,
        ["compress", str(run_folder), "--out", str(tmp_path / "d.edge"), "--formats", "onnx,onnx",
         "--precisions", "int8, int8", "--observer", "minmax", "--calibration-images", "16", "--json", "-"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert [row["step"] for row in json.loads(done.stdout)["steps"]] == ["network in torch", "int8 ONNX"]


def test_bundle_wraps_a_finished_file(compressed, tmp_path):
    file = tmp_path / "m.tflite"
    file.write_bytes(compressed.bundle.read("models/main.float32.tflite"))
    done = CliRunner().invoke(cli, ["bundle", str(file), "--out", str(tmp_path / "m.edge")])
    assert done.exit_code == 0, done.output
    assert "classify, 10 labels, tflite" in done.stdout
