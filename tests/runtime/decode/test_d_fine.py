"""D-FINE's export of its own: a second input asks for the photo's size, boxes come in pixels of what it was told."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import ModelError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

HEIGHT, WIDTH, FRAME = 64, 96, (120, 200)
CENTERS = np.array([[0.3, 0.4, 0.2, 0.3], [0.7, 0.5, 0.4, 0.6], [0.5, 0.5, 1, 1]], np.float32)
SCORES, LABELS = np.array([[0.9, 0.6, 0.3]], np.float32), np.array([[1, 0, 1]], np.int64)


@pytest.fixture
def written(tmp_path, onnx_graph):
    """(height and width in the file, the second input's name) → a file that multiplies its boxes by that input."""
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")

    def write(size=(HEIGHT, WIDTH), asks="orig_target_sizes"):
        near, far = (CENTERS[:, :2] + sign * CENTERS[:, 2:] / 2 for sign in (-1, 1))
        nodes = [
            helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Cast", [asks], ["size"], to=1),
            helper.make_node("Concat", ["size", "size"], ["sides"], axis=1),
            helper.make_node("Mul", ["corners", "sides"], ["pixels"]),
            helper.make_node("Add", ["pixels", "nothing"], ["boxes"]),
            helper.make_node("Identity", ["kinds"], ["labels"]),
            helper.make_node("Identity", ["sure"], ["scores"]),
        ]
        weights = {
            "zero": np.zeros(1, np.float32), "corners": np.concatenate([near, far], axis=1)[None],
            "kinds": LABELS, "sure": SCORES,
        }  # fmt: skip
        data = onnx_graph(
            nodes,
            {"images": ("float32", ["N", 3, *size]), asks: ("int64", ["N", 2])},
            {"labels": ("int64", [1, 3]), "boxes": ("float32", [1, 3, 4]), "scores": ("float32", [1, 3])},
            weights,
        )
        path = tmp_path / "told.onnx"
        path.write_bytes(data)
        return path

    return write


def see(model, **options):
    with BundleRecognizer(open_model(str(model), **options)) as recognizer:
        return recognizer.recognize(Frame(np.zeros((*FRAME, 3), np.uint8))).recognitions


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), ("height", "width")], ids=["its size", "any size"])
def test_boxes_come_into_the_frame(written, size):
    path = written(size)
    assert any("D-FINE" in note for note in open_model(str(path)).notes)
    seen = see(path, labels=["cat", "dog"])
    assert [(label, round(float(score), 4)) for label, score in seen] == [("dog", 0.9), ("cat", 0.6)]
    near, far = (CENTERS[:2, :2] + sign * CENTERS[:2, 2:] / 2 for sign in (-1, 1))
    assert seen.xyxy == pytest.approx(np.concatenate([near, far], axis=1) * [*FRAME[::-1], *FRAME[::-1]], abs=0.01)
    assert len(see(path, threshold=0.2)) == 3
    assert [label for label, _ in see(path)] == ["1", "0"]  # the file names nothing


def test_it_can_be_bundled_and_measured(written, tmp_path):
    pytest.importorskip("torch", reason="bundles are made on the workstation")
    path, out = written(), tmp_path / "told.edge"
    for words in (["bundle", path, "--out", out], ["inspect", path], ["bench", path, "--duration", ".05"]):
        done = CliRunner().invoke(cli, [str(word) for word in words])
        assert done.exit_code == 0, (words, done.output)
    with BundleRecognizer(Bundle.open(out)) as recognizer:
        assert len(recognizer.recognize(Frame(np.zeros((*FRAME, 3), np.uint8))).recognitions) == 2


def test_another_second_input_is_refused(written):
    with pytest.raises(ModelError, match=r"images .*, scale .*models of one picture"):
        open_model(str(written(asks="scale")))
