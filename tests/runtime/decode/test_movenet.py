"""MoveNet's outputs, told, against what its own program makes of them: one person, and six with boxes."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.errors import ModelError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

HEIGHT, WIDTH = 100, 200  # of the frame, which lies in the middle of a square picture of 192
SCALE, TOP = 192 / 200, 48


def network(tmp_path, onnx_graph, answer, dtype="int32", side=192):
    """A file that says the answer whatever it sees, plus the mean of red, which is 0 in a black picture."""
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")
    nodes = [
        helper.make_node("Cast", ["serving_default_input:0"], ["float"], to=1),
        helper.make_node("ReduceMean", ["float"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["told", "nothing"], ["output_0"]),
    ]
    data = onnx_graph(
        nodes,
        {"serving_default_input:0": (dtype, [1, side, side, 3])},
        {"output_0": ("float32", list(answer.shape))},
        {"zero": np.zeros(1, np.float32), "told": answer},
    )
    (tmp_path / "movenet.onnx").write_bytes(data)
    return str(tmp_path / "movenet.onnx")


def pose(seed=0):
    """(17, 3) y, x, score, all inside the frame; four points are not seen."""
    rng = np.random.default_rng(seed)
    points = np.column_stack([rng.uniform(0.3, 0.7, 17), rng.uniform(0.1, 0.9, 17), rng.uniform(0.4, 0.9, 17)])
    points[13:, 2] = 0.05
    return points.astype(np.float32)


def in_frame(y, x):
    return x * 192 / SCALE, (y * 192 - TOP) / SCALE


def see(path, frame=None, **options):
    with BundleRecognizer(open_model(path, **options)) as recognizer:
        return recognizer.recognize(Frame(np.zeros((HEIGHT, WIDTH, 3), np.uint8))).recognitions


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float32"])
def test_one_person_is_where_the_seen_keypoints_are(tmp_path, onnx_graph, dtype):
    points = pose()
    path = network(tmp_path, onnx_graph, points[None, None], dtype)
    bundle = open_model(path)
    network_, tensor = bundle.manifest.main, bundle.manifest.main.files[0].tensor
    assert (network_.decode.decoder, network_.pixels.resize, network_.pixels.color) == ("movenet", "letterbox", "rgb")
    assert (tensor.dtype, tensor.mean, tensor.std) == (dtype, (0.0,), (1.0,))
    seen = see(path)
    assert list(seen) == [("person", pytest.approx(points[:13, 2].mean(), abs=1e-5))]
    x, y = in_frame(points[:, 0], points[:, 1])
    assert seen.keypoints[0] == pytest.approx(np.column_stack([x, y, points[:, 2]]), abs=0.01)
    around = [x[:13].min(), y[:13].min(), x[:13].max(), y[:13].max()]
    assert seen.xyxy[0] == pytest.approx(np.clip(around, 0, [WIDTH, HEIGHT] * 2), abs=0.01)


def test_where_hardly_a_keypoint_is_seen_nobody_is(tmp_path, onnx_graph):
    points = pose()
    points[:, 2] = 0.05
    assert len(see(network(tmp_path, onnx_graph, points[None, None]))) == 0
    points[:, 2] = 0.2
    assert len(see(network(tmp_path, onnx_graph, points[None, None]))) == 0
    assert len(see(network(tmp_path, onnx_graph, points[None, None]), threshold=0.15)) == 1


def test_six_people_bring_their_boxes(tmp_path, onnx_graph):
    rows = np.zeros((1, 6, 56), np.float32)
    for i, score in enumerate((0.9, 0.2, 0.6)):
        rows[0, i] = [*pose(i).ravel(), 0.3, 0.1 * i, 0.6, 0.1 * i + 0.2, score]
    seen = see(network(tmp_path, onnx_graph, rows, "float32", 256))
    assert list(seen) == [("person", pytest.approx(0.9)), ("person", pytest.approx(0.6))]
    x, y = zip(*(in_frame(*corner) for corner in ((0.3, 0.2), (0.6, 0.4))), strict=True)
    assert seen.xyxy[1] == pytest.approx([x[0], y[0], x[1], y[1]], abs=0.01)
    assert seen.keypoints.shape == (2, 17, 3)


def test_points_of_something_else_are_none_of_its(tmp_path, onnx_graph):
    with pytest.raises(ModelError, match="landmarks"):
        open_model(network(tmp_path, onnx_graph, np.zeros((1, 1, 21, 3), np.float32)))
