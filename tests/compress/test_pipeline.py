"""A run that cannot be compressed: one line, the right exit code, nothing half-written."""

import json
import shutil
from dataclasses import replace

import pytest
from one_line import one_line

from edgelens.compress.config import CompressConfig
from edgelens.compress.pipeline import compress_run
from edgelens.runtime.bundle.learned import LEARNED, learned_share
from edgelens.runtime.errors import DataError, WorkError


def test_a_run_without_checkpoint(run_folder, tmp_path):
    broken = tmp_path / "run"
    shutil.copytree(run_folder, broken)
    (broken / "best.safetensors").unlink()
    with pytest.raises(DataError) as caught:
        compress_run(broken, tmp_path / "x.edge")
    one_line(caught.value, "best.safetensors")
    assert not list(tmp_path.glob("*.edge"))


def test_a_run_that_is_not_finished_is_compressed_as_it_is_and_that_is_said(run, tmp_path, capsys):
    from edgelens.compress.progress import Progress

    stopped = tmp_path / "run"
    shutil.copytree(run.path, stopped)
    rows = (stopped / "metrics.csv").read_text().splitlines()[:3]
    (stopped / "metrics.csv").write_text("\n".join(rows) + "\n")
    replace(run, path=stopped, facts=replace(run.facts, metrics=None, decode={})).write()
    config = CompressConfig(formats=("onnx",), precisions=("float32",), calibration_images=16)
    made = compress_run(stopped, tmp_path / "x.edge", config, progress=Progress())
    said = f"{stopped} is not finished: 2 of 4 epochs are trained; go on with edgelens train --resume {stopped}"
    assert capsys.readouterr().err.count(said) == 1
    assert said in made.card.notes


def test_no_folder_of_this_machine_goes_into_a_bundle(run, tmp_path):
    started = tmp_path / "run"
    shutil.copytree(run.path, started)
    facts = replace(run.facts, started="/home/anna/r3: 9 tensors taken over")
    replace(run, path=started, config=replace(run.config, start="/home/anna/r3"), facts=facts).write()
    config = CompressConfig(formats=("onnx",), precisions=("float32",), calibration_images=16)
    made = compress_run(started, tmp_path / "x.edge", config)
    assert made.bundle.manifest.provenance.notes["started_from"] == "r3: 9 tensors taken over"
    assert "its training started from r3: 9 tensors taken over" in made.card.notes


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(DataError) as caught:
        compress_run(tmp_path, tmp_path / "x.edge")
    assert caught.value.exit_code == 2


def test_parity_outside_its_limits_writes_nothing(run_folder, tmp_path):
    from edgelens.compress.quantize.observers import Observer

    config = CompressConfig(
        formats=("onnx",), precisions=("int8",), observer=Observer("percentile", 55.0), calibration_images=16,
        equalize=False, correct_bias=False,
    )  # fmt: skip
    with pytest.raises(WorkError, match="--allow-mismatch"):
        compress_run(run_folder, tmp_path / "x.edge", config)
    assert not (tmp_path / "x.edge").exists()


def test_where_8_bits_lose_sensitive_layers_and_then_half_precision_are_tried(run_folder, tmp_path, capsys):
    from edgelens.compress.progress import Progress
    from edgelens.compress.quantize.observers import Observer

    config = CompressConfig(
        observer=Observer("minmax"), calibration_images=16, equalize=False, correct_bias=False, max_drop=-100.0,
    )  # fmt: skip
    made = compress_run(run_folder, tmp_path / "x.edge", config, progress=Progress())
    said = capsys.readouterr().err
    assert "trying again with its 6 most sensitive layers in float" in said
    assert "float16 files, half the size of float32, join in" in said
    assert {file.precision for file in made.bundle.manifest.main.files} == {"float32", "float16", "int8"}


def test_8_bits_that_answer_something_else_are_tried_again_before_they_are_left_out(run_folder, tmp_path, capsys):
    from edgelens.compress.progress import Progress
    from edgelens.compress.quantize.observers import Observer

    config = CompressConfig(
        formats=("onnx",), observer=Observer("percentile", 75.0), calibration_images=16, equalize=False,
        correct_bias=False,
    )  # fmt: skip
    made = compress_run(run_folder, tmp_path / "x.edge", config, progress=Progress())
    said = capsys.readouterr().err
    assert "trying again with its 6 most sensitive layers in float" in said
    assert "float16 files, half the size of float32, join in" in said
    assert {file.precision for file in made.bundle.manifest.main.files} == {"float32", "float16"}
    assert any("answers something else" in note and note.endswith(": left out") for note in made.card.notes)


def test_what_mixed_precision_saves_ships_mixed(run_folder, tmp_path):
    from edgelens.compress.quantize.observers import Observer

    config = CompressConfig(observer=Observer("percentile", 97.0), calibration_images=16, equalize=False,
                            correct_bias=False)  # fmt: skip
    made = compress_run(run_folder, tmp_path / "x.edge", config)
    assert {file.precision for file in made.bundle.manifest.main.files} == {"float32", "int8"}
    assert made.card.extra["left_float"]


def test_a_background_is_named_beside_those_that_the_run_knows(run_folder, tmp_path):
    other = tmp_path / "run"
    shutil.copytree(run_folder, other)
    facts = json.loads((other / "run.json").read_text())
    facts["facts"]["decode"]["background"] = ["8"]
    (other / "run.json").write_text(json.dumps(facts))
    config = CompressConfig(formats=("onnx",), precisions=("float32",), background=("3", "8"))
    made = compress_run(other, tmp_path / "x.edge", config)
    assert made.bundle.manifest.main.decode.background == ("8", "3")


def test_a_bundle_says_which_pictures_were_learned_and_what_others_may_expect(run, compressed):
    parts = run.split_all(("train", "val"))
    kept = compressed.bundle.read(LEARNED)
    for name, share in (("train", 1), ("val", 0)):
        contents = [parts[name].content(i) for i in range(len(parts[name]))]
        assert learned_share(kept, contents, "x.edge") == pytest.approx(share, abs=0.02)  # a digit may be there twice
    assert compressed.bundle.manifest.provenance.notes["expected"] == run.figure
    assert run.learned_splits == ("train",)
    crossed = replace(run, facts=replace(run.facts, metrics={**run.facts.metrics, "judged": "train+val"}))
    assert crossed.learned_splits == ("train", "val")
    assert replace(run, facts=replace(run.facts, metrics={**run.facts.metrics, "judged": "train"})).expected == ""
