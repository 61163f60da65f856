"""What looks like a classifier and is none: embeddings, anchors and landmarks are refused with a way out, or said."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.errors import ModelError
from edgelens.runtime.formats.description import ModelDescription, Operator
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer


@pytest.fixture
def row(tmp_path, onnx_graph):
    """Writes a network of one linear layer with a last operator of choice and outputs of the shapes asked for."""
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")

    def write(*shapes, ending="linear"):
        width = int(np.prod(shapes[0]))
        nodes = [
            helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["mean", "weights"], ["linear"]),
            *_ENDINGS[ending](helper),
        ]
        weights = {"weights": np.random.default_rng(0).normal(size=(3, width)).astype(np.float32)}
        outputs = {}
        for i, shape in enumerate(shapes):
            weights |= {f"shape{i}": np.array(shape, np.int64), f"all{i}": np.array([0], np.int64)}
            if int(np.prod(shape)) == width:
                nodes.append(helper.make_node("Reshape", ["ended", f"shape{i}"], [f"y{i}"]))
            else:
                weights[f"zeros{i}"] = np.zeros(shape, np.float32)
                nodes += [
                    helper.make_node("ReduceMean", ["ended"], [f"m{i}"], keepdims=0),
                    helper.make_node("Add", [f"zeros{i}", f"m{i}"], [f"y{i}"]),
                ]
            outputs[f"y{i}"] = ("float32", list(shape))
        path = tmp_path / "row.onnx"
        path.write_bytes(onnx_graph(nodes, {"x": ("float32", [1, 3, 32, 32])}, outputs, weights))
        return path

    return write


_ENDINGS = {
    "linear": lambda helper: [helper.make_node("Identity", ["linear"], ["ended"])],
    "softmax": lambda helper: [helper.make_node("Softmax", ["linear"], ["ended"])],
    "sigmoid": lambda helper: [helper.make_node("Sigmoid", ["linear"], ["ended"])],
    "unit length": lambda helper: [
        helper.make_node("ReduceL2", ["linear"], ["length"], axes=[1], keepdims=1),
        helper.make_node("Div", ["linear", "length"], ["ended"]),
    ],
    "unit length in one": lambda helper: [helper.make_node("LpNormalization", ["linear"], ["ended"], axis=1)],
}


@pytest.mark.parametrize(
    ("shape", "ending"),
    [
        ((1, 128), "linear"),
        ((1, 1, 1, 1024), "linear"),
        ((1, 1280, 1, 1), "linear"),
        ((1, 50), "unit length"),
        ((1, 50), "unit length in one"),
    ],
)
def test_an_embedding_is_no_classifier_unless_somebody_says_so(row, shape, ending):
    path = row(shape, ending=ending)
    with pytest.raises(ModelError, match=r"an embedding.*: if you know better, say --decode classify.*--labels"):
        open_model(path)
    width = int(np.prod(shape))
    assert open_model(path, decoder="classify").manifest.main.decode.decoder == "classify"
    named = open_model(path, labels=[f"n{i}" for i in range(width)])
    assert len(named.manifest.main.labels) == width


@pytest.mark.parametrize("ending", ["linear", "sigmoid"])
@pytest.mark.parametrize("anchors", [896, 2016, 2254])
def test_the_scores_of_anchors_are_no_classes(row, ending, anchors):
    with pytest.raises(ModelError, match=f"boxes and scores of {anchors} anchors .* no --decode can read them"):
        open_model(row((1, anchors, 1), (1, anchors, 16), ending=ending))
    with pytest.raises(ModelError, match="no decoder fits"):
        open_model(row((1, anchors, 1), ending=ending))


def test_landmarks_beside_their_score_are_no_classes(row):
    for shapes in (((1, 63), (1, 1)), ((1, 1, 1, 1404), (1, 1, 1, 1))):
        with pytest.raises(ModelError, match="several rows of numbers: landmarks, perhaps"):
            open_model(row(*shapes))


@pytest.mark.parametrize("ending", ["linear", "softmax"])
def test_scores_stay_classes_and_what_is_not_certain_is_said(row, ending):
    path = row((1, 1000), ending=ending)
    bundle = open_model(path, std=255)
    with BundleRecognizer(bundle) as recognizer:
        assert len(recognizer.recognize(Frame(np.zeros((32, 32, 3), np.uint8))).recognitions) == 1
    said = [note for note in bundle.notes if "1000 classes" in note]
    assert bool(said) == (ending == "linear")
    assert open_model(path, std=255, labels=[f"n{i}" for i in range(1000)]).notes == ()


def test_a_softmax_may_be_as_wide_as_an_embedding(row):
    assert open_model(row((1, 128), ending="softmax")).manifest.main.decode.options == {"probabilities": True}


def test_outputs_that_are_passed_over_are_named(row):
    notes = open_model(row((1, 10), (1, 4, 7, 7)), std=255).notes
    assert any("of its outputs y0 is read, y1 not" in note for note in notes)


def test_a_graph_that_goes_in_a_circle_ends():
    looped = (Operator("Identity", ("a",), ("b",)), Operator("Identity", ("b",), ("a",)))
    assert ModelDescription("onnx", "onnxruntime", (), (), looped, "").origin_of("a", {"Identity"}) is None
