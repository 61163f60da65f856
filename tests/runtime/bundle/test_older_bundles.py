"""Bundles of the version before run, verify and evaluate as they did with it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.verify import verify_bundle

BUNDLES = Path(__file__).parents[2] / "fixtures/bundles"
ANSWERS = json.loads((BUNDLES / "answers-1.0.json").read_text())
FILES = [(name, path) for name, files in ANSWERS.items() for path in files]


def opened(name):
    return Bundle.open(BUNDLES / f"{name}-1.0.edge")


def file_of(bundle, path):
    return next(file for file in bundle.manifest.main.files if file.path == path)


def golden_frames(bundle):
    entries = bundle.manifest.golden[0].frames
    return [cv2.imdecode(np.frombuffer(bundle.read(entry), np.uint8), cv2.IMREAD_COLOR) for entry in entries]


def tolerance(file):
    """Scores of 8-bit kernels differ between processors."""
    return 1e-3 if file.precision == "float32" else 0.02


@pytest.mark.parametrize(("name", "path"), FILES)
def test_they_recognize_as_before(name, path):
    bundle, wanted = opened(name), ANSWERS[name][path]["answers"]
    file, frames = file_of(bundle, path), golden_frames(bundle)
    with BundleRecognizer(bundle, engine=file.engine, precision=file.precision) as recognizer:
        seen = [recognizer.recognize(Frame(frame)).recognitions for frame in frames]
    for answer, (label, score) in zip(seen, wanted, strict=True):
        assert list(answer) == [(label, pytest.approx(score, abs=tolerance(file)))]


@pytest.mark.parametrize(("name", "path"), [pair for pair in FILES if "blends" in ANSWERS[pair[0]][pair[1]]])
def test_what_were_rows_are_one_row_and_its_rivals(name, path):
    """Two neighbouring frames in one picture: unsure answers, some of them unknown."""
    bundle, wanted = opened(name), ANSWERS[name][path]["blends"]
    file, frames = file_of(bundle, path), golden_frames(bundle)
    blends = [cv2.addWeighted(one, 0.5, other, 0.5, 0) for one, other in pairwise(frames)]
    with BundleRecognizer(bundle, engine=file.engine, precision=file.precision) as recognizer:
        seen = [recognizer.recognize(Frame(blend), threshold=0.6).recognitions for blend in blends]
    for answer, rows in zip(seen, wanted, strict=True):
        now = [*answer, *answer.rivals_of()]
        assert len(now) == len(rows)
        for (label, score), (was, scored) in zip(now, rows, strict=True):
            assert score == pytest.approx(scored, abs=1e-3)
            assert label == was or scored < 0.01  # what scores next to nothing may change places


@pytest.mark.parametrize(("name", "path"), FILES)
def test_they_verify_as_before(name, path):
    bundle, wanted = opened(name), ANSWERS[name][path]["verify"]
    file = file_of(bundle, path)
    (report,) = verify_bundle(bundle, file.engine, precision=file.precision).files
    assert report.within == wanted["ok"]
    assert report.agreement == wanted["agreement"]


@pytest.mark.parametrize(("name", "path"), FILES)
def test_they_evaluate_as_before(name, path, tmp_path):
    bundle, wanted = opened(name), ANSWERS[name][path]["evaluate"]
    file, labels = file_of(bundle, path), bundle.manifest.main.labels
    for i, frame in enumerate(golden_frames(bundle)):
        folder = tmp_path / "photos" / labels[i % len(labels)]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{i:03d}.png"), frame)
    said = ["--split", "all", "--engine", file.engine, "--precision", file.precision, "--json", "-"]
    done = CliRunner().invoke(cli, ["evaluate", str(bundle.path), str(tmp_path / "photos"), *said])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert {key: found[key] for key in wanted} == wanted
