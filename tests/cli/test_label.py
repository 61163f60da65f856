"""The verb: starts, says where, keeps what was labelled when it is stopped, and goes on from there."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.datasets.catalog import load_boxes


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(3):
        cv2.imwrite(str(folder / f"{i}.jpg"), np.full((60, 80, 3), 50 * i, np.uint8))
    return folder


def started(photos, *options):
    command = [sys.executable, "-m", "edgelens", "label", str(photos), "--preview", "127.0.0.1:0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if found := re.search(r"labelling: (http\S+)", line):
            return process, found[1]
    raise AssertionError("it did not start")


def post(link, path, body):
    request = urllib.request.Request(
        f"{link.rstrip('/')}{path}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_labels_outlive_the_process(photos):
    process, link = started(photos, "--classes", "cup,dish")
    box = {"label": "dish", "box": [10, 10, 20, 20]}
    assert post(link, "/label/1", {"boxes": [box], "done": True})["done"] is True
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert "1 of 3 pictures labelled, 1 boxes" in process.stderr.read()
    process.stderr.close()
    data = load_boxes(photos.with_name("photos-labelled"))
    assert (data.classes, len(data)) == (("cup", "dish"), 1)

    process, link = started(photos)
    with urllib.request.urlopen(f"{link}label/state", timeout=10) as answer:
        state = json.load(answer)
    process.kill()
    process.wait(10)
    process.stderr.close()
    assert (state["done"], state["first"], state["classes"]) == ([False, True, False], 0, ["cup", "dish"])


def test_a_run_proposes_as_its_bundle_would(detector_run, shapes, tmp_path):
    pictures = shapes / "images" / "val"
    process, link = started(pictures, "--assist", str(detector_run), "--out", str(tmp_path / "boxes"))
    with urllib.request.urlopen(f"{link}label/0", timeout=60) as answer:
        proposed = json.load(answer)
    process.send_signal(signal.SIGINT)
    process.wait(20)
    process.stderr.close()
    assert proposed["proposed"] is True
    assert {box["label"] for box in proposed["boxes"]} <= {"disc", "square"}


def test_photos_of_the_folder_that_one_is_in(photos, monkeypatch):
    monkeypatch.chdir(photos)
    words = ["--preview", "127.0.0.1:0", "--duration", ".1"]
    done = CliRunner().invoke(cli, ["label", ".", *words])
    assert done.exit_code == 0, done.output
    assert photos.with_name("photos-labelled").is_dir()
    for out in ("labelled", "."):
        done = CliRunner().invoke(cli, ["label", ".", "--out", out, *words])
        assert f"--out {out}: lies in ., and would be labelled itself" in str(done.exception)
        assert len(list(photos.iterdir())) == 3


def test_what_is_assumed_of_the_model_that_proposes_is_said(photos, shared):
    model = str(shared / "models/yolox/yolox_nano.onnx")
    words = ["--assist", model, "--tile", "2", "--preview", "127.0.0.1:0", "--duration", ".1"]
    done = CliRunner().invoke(cli, ["label", str(photos), *words])
    assert done.exit_code == 0, done.output
    assert "its 80 classes are taken for COCO's; --labels overrules" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["nowhere"], "no such folder, picture or video"),
        (["{photos}", "--threshold", ".4"], "--threshold: is of the model that --assist names"),
        (["{photos}", "--tile", "2"], "--tile: is of the model that --assist names"),
        (["{photos}", "--assist", "nowhere.onnx"], "no such file"),
        (["{photos}", "--format", "tfrecord"], "coco"),
        (["{photos}", "--cert", "x.pem"], "--cert and --key belong together"),
    ],
)
def test_what_cannot_be_is_one_line(photos, options, said):
    done = CliRunner().invoke(cli, ["label", *(option.format(photos=photos) for option in options)])
    assert done.exit_code != 0
    assert said in str(done.exception) + done.output
    assert not photos.with_name("photos-labelled").exists()
