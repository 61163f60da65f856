"""YOLO-NAS in all forms that its exporter writes, and YOLOv7's rows, told, against the boxes that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.errors import ModelError, UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

NAMES = ["cat", "dog", "cow"]
SIDE, CELLS = 64, 64 + 16 + 4
FRAME = (48, 96)  # height and width: in the middle of the square picture, at two thirds of its size


@pytest.fixture
def written(tmp_path, onnx_graph):
    """(outputs {name: array}, the input's dtype, sigmoids) → a file that says them whatever it sees."""
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")

    def write(outputs, dtype="float32", sigmoids=()):
        nodes = [
            helper.make_node("Cast", ["input"], ["float"], to=1),
            helper.make_node("ReduceMean", ["float"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        ]
        weights = {"zero": np.zeros(1, np.float32)}
        for name, value in outputs.items():
            weights[f"{name}_told"] = value.astype(np.float32)
            made = f"{name}_float" if value.dtype == np.int64 or name in sigmoids else name
            nodes.append(helper.make_node("Add", [f"{name}_told", "nothing"], [made]))
            if name in sigmoids:
                nodes.append(helper.make_node("Sigmoid", [made], [name]))
            elif made != name:
                nodes.append(helper.make_node("Cast", [made], [name], to=7))
        kinds = {name: (str(value.dtype), list(value.shape)) for name, value in outputs.items()}
        data = onnx_graph(nodes, {"input": (dtype, [1, 3, SIDE, SIDE])}, kinds, weights)
        (tmp_path / "told.onnx").write_bytes(data)
        return str(tmp_path / "told.onnx")

    return write


def see(path, **options):
    with BundleRecognizer(open_model(path, **options)) as recognizer:
        return recognizer.recognize(Frame(np.zeros((*FRAME, 3), np.uint8))).recognitions


def in_frame(box):
    """Corners in the picture as corners in the frame."""
    scale = SIDE / FRAME[1]
    top = (SIDE - FRAME[0] * scale) / 2
    return [box[0] / scale, (box[1] - top) / scale, box[2] / scale, (box[3] - top) / scale]


BOXES = np.array([[5, 20, 25, 40], [30, 18, 60, 45]], np.float32)


def is_told(seen, labels=("cow", "cat")):
    assert [label for label, _ in seen] == list(labels)
    assert seen.scores == pytest.approx([0.8, 0.6], abs=1e-5)
    assert seen.xyxy == pytest.approx(np.array([in_frame(box) for box in BOXES]), abs=0.01)


@pytest.mark.parametrize("boxes_first", [True, False])
def test_cells_are_known_by_their_number_and_suppressed(written, boxes_first):
    scores = np.full((1, CELLS, 3), -9, np.float32)
    boxes = np.zeros((1, CELLS, 4), np.float32)
    boxes[0, [7, 8, 70]] = BOXES[[0, 0, 1]] + np.array([[0], [1], [0]], np.float32)
    scores[0, 7, 2], scores[0, 8, 2], scores[0, 70, 0] = np.log(0.8 / 0.2), 0, np.log(0.6 / 0.4)
    outputs = {"913": boxes, "904": scores} if boxes_first else {"904": scores, "913": boxes}
    path = written(outputs, sigmoids=("904",))
    bundle = open_model(path, labels=NAMES)
    network = bundle.manifest.main
    assert (network.decode.decoder, network.pixels.pad, network.pixels.color) == ("yolo-nas", 114, "rgb")
    assert network.files[0].tensor.std == (255.0,)
    is_told(see(path, labels=NAMES))
    with pytest.raises(UsageError, match="2 names"):
        open_model(path, labels=NAMES[:2])


def test_boxes_of_four_classes_are_told_from_their_scores(written):
    scores = np.full((1, CELLS, 4), -9, np.float32)
    boxes = np.zeros((1, CELLS, 4), np.float32)
    boxes[0, [7, 70]] = BOXES
    scores[0, 7, 2], scores[0, 70, 0] = np.log(0.8 / 0.2), np.log(0.6 / 0.4)
    is_told(see(written({"a": scores, "b": boxes}, sigmoids=("a",)), labels=[*NAMES, "pig"]))
    with pytest.raises(ModelError):  # of no sigmoid: another network's
        open_model(written({"a": scores, "b": boxes}))


def test_flat_rows_of_bytes_in_blue_green_red(written):
    rows = np.array([[0, *BOXES[0], 0.8, 2], [0, *BOXES[1], 0.6, 0]], np.float32)
    path = written({"graph2_flat_predictions": rows}, "uint8")
    network = open_model(path).manifest.main
    assert (network.pixels.color, network.files[0].tensor.dtype) == ("bgr", "uint8")
    is_told(see(path, labels=NAMES))
    is_told(see(path), ("2", "0"))


def test_a_batch_counts_what_it_says(written):
    outputs = {
        "graph2_num_predictions": np.array([[2]], np.int64),
        "graph2_pred_boxes": np.concatenate([BOXES, np.full((3, 4), 9, np.float32)])[None],
        "graph2_pred_scores": np.array([[0.8, 0.6, 0.9, 0.9, 0.9]], np.float32),
        "graph2_pred_classes": np.array([[2, 0, 1, 1, 1]], np.int64),
    }
    is_told(see(written(outputs, "uint8"), labels=NAMES))


def test_yolov7_says_the_class_before_the_score(written):
    rows = np.array([[0, *BOXES[0], 2, 0.8], [0, *BOXES[1], 0, 0.6]], np.float32)
    path = written({"output": rows})
    bundle = open_model(path, labels=NAMES)
    assert any("YOLOv7" in note for note in bundle.notes)
    is_told(see(path, labels=NAMES))
    unnamed = written({"rows": rows})
    with pytest.raises(ModelError, match=r"--decode yolo-nas\|yolov7-nms"):
        open_model(unnamed)
    is_told(see(unnamed, labels=NAMES, decoder="yolov7-nms"))
