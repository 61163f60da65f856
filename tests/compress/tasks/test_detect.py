"""A detector in 8 bits: the same boxes in both formats, thresholds of what ships, and the verbs that use it."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.compress.export.artifact import FLOAT_PIXELS, Artifact
from edgelens.compress.proof.parity import parity_of
from edgelens.compress.tasks.detect import TASK, alike
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.manifest import Decode
from edgelens.train.data.targets import RaggedTargets
from edgelens.train.tasks.detect.answers import found_in


def called(*arguments: object) -> str:
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert done.exit_code == 0, (arguments, done.output, done.exception)
    return done.stdout


def test_the_bundle_holds_four_files_that_verify(detector_bundle: Path) -> None:
    network = Bundle.open(detector_bundle).manifest.main
    assert {(file.engine, file.precision) for file in network.files} == {
        (engine, precision) for engine in ("onnxruntime", "tflite") for precision in ("float32", "int8")
    }
    assert network.decode.decoder == "lens-det"
    assert set(network.decode.thresholds) == {"disc", "square"}
    assert called("verify", detector_bundle).count(" ok") == 4


def test_each_labels_threshold_is_to_be_seen(detector_bundle: Path) -> None:
    bundle = Bundle.open(detector_bundle)
    own = bundle.manifest.main.decode.thresholds
    (line,) = [line for line in called("inspect", detector_bundle).splitlines() if line.startswith("thresholds")]
    card = bundle.read("card.md").decode()
    assert re.search(r"int8 ONNX and int8 TFLite agree on [\d.]+ % of the sure boxes", card)
    for label, least in own.items():
        assert f"{label} {least:.4g}" in line
        assert f"| {label} | {round(least, 4)} |" in card
    assert set(json.loads(bundle.read("card.json"))["thresholds"]) == set(own)


def test_8_bits_find_what_float_finds(detector_bundle: Path, shapes: Path, tmp_path: Path) -> None:
    figures = {}
    for engine, precision in (("onnxruntime", "float32"), ("onnxruntime", "int8"), ("tflite", "int8")):
        out = tmp_path / f"{engine}-{precision}.json"
        called("evaluate", detector_bundle, shapes, "--engine", engine, "--precision", precision, "--json", out)
        figures[engine, precision] = json.loads(out.read_text())
    whole = figures["onnxruntime", "float32"]
    assert whole["map50"] > 0.9
    for key in (("onnxruntime", "int8"), ("tflite", "int8")):
        assert figures[key]["map50"] > whole["map50"] - 0.02
        assert figures[key]["map50_95"] > whole["map50_95"] - 0.03


def test_it_runs_on_a_folder(detector_bundle: Path, shapes: Path) -> None:
    out = called(
        "run", detector_bundle, "--source", shapes / "images" / "val", "--json", "-", "--quiet", "--no-preview"
    )
    rows = [row for line in out.splitlines() for row in json.loads(line)["results"]]
    assert {row["label"] for row in rows} == {"disc", "square"}
    assert all(len(row["box"]) == 4 for row in rows)


def outputs(count: int = 6, seed: int = 0) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    scores = {f"scores{s}": (draw.random((count, 2, 64 // s, 64 // s)) ** 8).astype(np.float32) for s in (8, 16)}
    return scores | {f"sides{s}": np.full((count, 4, 64 // s, 64 // s), 0.7, np.float32) for s in (8, 16)}


def test_agreement_is_of_boxes() -> None:
    ours = outputs()
    assert TASK.agreement(ours, ours) == 1
    nudged = {name: values + np.float32(0.005) for name, values in ours.items()}
    assert TASK.agreement(ours, nudged) == pytest.approx(1, abs=0.02)
    swapped = {name: values[:, ::-1] if "scores" in name else values for name, values in ours.items()}
    assert TASK.agreement(ours, swapped) < 0.3, "the same boxes of other classes are others"
    moved = {name: values + np.float32(4) * ("sides" in name) for name, values in ours.items()}
    assert TASK.agreement(ours, moved) < 0.5, "maps that a signal-to-noise ratio would pass"
    one, other = (found_in(values, (8, 16)) for values in (ours, nudged))
    assert alike(one, other, overlap=0.9, near=0.02) < alike(one, other, overlap=0.5, near=0.1) + 1e-9


def test_two_formats_are_held_to_the_same_boxes() -> None:
    ours = outputs()
    artifacts = [Artifact(engine, "int8", b"", FLOAT_PIXELS, ()) for engine in ("onnxruntime", "tflite")]
    targets = RaggedTargets(
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64), "crowd": torch.zeros(0).bool()},
        torch.zeros(7, dtype=torch.int64),
    )

    def shares(theirs: dict[str, np.ndarray]) -> tuple[float, float]:
        answers = dict(zip((artifact.path for artifact in artifacts), (ours, theirs), strict=True))
        found = parity_of(artifacts, ours, answers, targets, TASK)
        assert found.counted == "sure boxes"
        assert found.between_formats is not None
        return found.between_formats, found.closely["int8"]

    assert shares(ours) == (1, 1)
    wider = {name: values * np.float32(1.08 if "sides" in name else 1) for name, values in ours.items()}
    louder = {name: values + np.float32(0.04 * ("scores" in name)) for name, values in ours.items()}
    for theirs in (wider, louder):
        gate, closely = shares(theirs)
        assert gate > 0.9
        assert closely < 0.5


def test_golden_frames_are_clear_cut() -> None:
    rows = outputs(8)
    rows["scores8"][:] = 0.01
    rows["scores16"][:] = 0.01
    for i in range(8):
        rows["scores8"][i, i % 2, 1, 1] = 0.3 if i < 4 else 0.9
    assert sorted(TASK.golden(rows, 4)) == [4, 5, 6, 7]


def test_thresholds_are_fitted_again_on_what_ships(detector_run: Path) -> None:
    after = {"scores8": np.zeros((6, 1, 8, 8), np.float32), "sides8": np.full((6, 4, 8, 8), 0.5, np.float32)}
    after["scores8"][:, 0, 2, 2] = [0.2, 0.25, 0.3, 0.35, 0.4, 0.45]  # right ones
    after["scores8"][:, 0, 5, 5] = 0.1  # wrong ones
    columns = {
        "boxes": torch.tensor([[16.0, 16, 24, 24]]).repeat(6, 1),
        "labels": torch.zeros(6, dtype=torch.int64),
        "crowd": torch.zeros(6, dtype=torch.bool),
    }
    settled = Decode("lens-det", threshold=0.6, thresholds={"cup": 0.6})
    found = TASK.resettle(after, after, RaggedTargets(columns, torch.arange(7)), settled)
    assert 0.1 < found.thresholds["cup"] < 0.2
    fewer = RaggedTargets({n: c[:2] for n, c in columns.items()}, torch.tensor([0, 1, 2, 2, 2, 2, 2]))
    assert TASK.resettle(after, after, fewer, replace(settled)).thresholds == {"cup": 0.6}


def test_its_files_run_without_the_bundle(detector_bundle: Path, shapes: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(detector_bundle) as archive:
        names = [name for name in archive.namelist() if name.startswith("models/")]
        archive.extractall(tmp_path, names)
    photos = shapes / "images" / "val"
    for name in names:
        out = called("run", tmp_path / name, "--source", photos, "--json", "-", "--quiet", "--no-preview")
        rows = [row for line in out.splitlines() for row in json.loads(line)["results"]]
        assert {row["label"] for row in rows} == {"disc", "square"}, name
