"""What looks like a classifier and is none: embeddings, anchors and landmarks are refused with a way out, or said."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.decode.classify_reading import read_as_classifier
from edgelens.runtime.decode.unread import why_unread
from edgelens.runtime.errors import ModelError
from edgelens.runtime.formats.description import ModelDescription, Operator
from edgelens.runtime.formats.tensor import TensorInfo
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
    "times one over the root": lambda helper: [
        helper.make_node("ReduceSumSquare", ["linear"], ["squares"], axes=[1], keepdims=1),
        helper.make_node("Sqrt", ["squares"], ["length"]),
        helper.make_node("Reciprocal", ["length"], ["over"]),
        helper.make_node("Mul", ["linear", "over"], ["ended"]),
    ],
    "a softmax in parts": lambda helper: [
        helper.make_node("Exp", ["linear"], ["powers"]),
        helper.make_node("ReduceSumSquare", ["powers"], ["all"], axes=[1], keepdims=1),
        helper.make_node("Div", ["powers", "all"], ["ended"]),
    ],
    "unit length in one": lambda helper: [helper.make_node("LpNormalization", ["linear"], ["ended"], axis=1)],
}


@pytest.mark.parametrize("shape", [(1, 128), (1, 1, 1, 1024), (1, 1280, 1, 1)])
def test_what_may_be_an_embedding_is_one_where_somebody_says_so(row, shape):
    path = row(shape)
    with pytest.raises(ModelError, match=r"an embedding.*say --decode embedding\|classify.*--labels"):
        open_model(path)
    assert open_model(path, decoder="embedding").manifest.main.task == "identify"
    _is_classifier_where_somebody_says_so(path, shape)


@pytest.mark.parametrize("ending", ["unit length", "unit length in one", "times one over the root"])
def test_a_row_that_is_brought_to_length_one_is_an_embedding(row, ending):
    path = row((1, 50), ending=ending)
    network = open_model(path).manifest.main
    assert (network.task, network.labels, network.decode.decoder) == ("identify", (), "identify")
    with BundleRecognizer(open_model(path, std=255)) as recognizer:
        seen = recognizer.recognize(Frame(np.full((40, 40, 3), 90, np.uint8))).recognitions
    assert seen.embeddings is not None and np.linalg.norm(seen.embeddings) == pytest.approx(1)
    _is_classifier_where_somebody_says_so(path, (1, 50))


def test_shares_of_a_whole_are_no_embedding(row):
    assert open_model(row((1, 50), ending="a softmax in parts")).manifest.main.task == "classify"


def test_of_several_rows_the_embedding_is_read(row):
    file = open_model(row((1, 128), (1, 10)), decoder="embedding").manifest.main.files[0]
    assert file.outputs == ()
    file = open_model(row((1, 10), (1, 128)), decoder="embedding").manifest.main.files[0]
    assert file.outputs == ("y1",)


def _is_classifier_where_somebody_says_so(path, shape):
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


@pytest.mark.parametrize(
    ("kind", "shape", "whole"),
    [
        ("CONV_2D", (1, 2, 2, 64), True),
        ("CONV_2D", (1, 1, 1, 64), False),
        ("FULLY_CONNECTED", (1, 2, 2, 64), False),
        ("Conv", (1, 64, 2, 2), True),
        ("Conv", (1, 64, 1, 1), False),
        ("Conv", (), False),
    ],
)
def test_what_one_convolution_makes_of_a_whole_map_is_a_place_and_no_class(kind, shape, whole):
    engine = ("onnx", "onnxruntime") if kind == "Conv" else ("tflite", "tflite")
    picture, row = TensorInfo("x", (1, 64, 64, 3), "float32"), TensorInfo("y", (1, 1, 1, 4), "float32")
    operators = (Operator(kind, ("map", "weights"), ("flat",)), Operator("RESHAPE", ("flat",), ("y",)))
    file = ModelDescription(*engine, (picture,), (row,), operators, "", shapes={"map": shape} if shape else {})
    assert (read_as_classifier(file, ()) is None) == whole
    assert read_as_classifier(file, (), asked=True) is not None
    assert read_as_classifier(file, ("a", "b", "c", "d")) is not None
    assert ("places in the picture" in why_unread(file)[0]) == whole


@pytest.mark.parametrize("count", [136, 196, 212, 1404, 1434])
def test_a_row_as_long_as_landmarks_is_no_classes_unless_it_is_probabilities(row, count):
    with pytest.raises(ModelError, match=r"places in the picture.*--decode embedding\|classify or give its names"):
        open_model(row((1, count)))
    assert open_model(row((1, count)), labels=[f"n{i}" for i in range(count)]).manifest.main.task == "classify"
    assert open_model(row((1, count), ending="softmax")).manifest.main.task == "classify"


def test_answers_to_several_questions_are_named_and_the_first_is_read_where_that_is_asked_for(row):
    path = row((1, 10), (1, 10, 1, 1), ending="softmax")
    with pytest.raises(ModelError, match=r"several rows of probabilities.*say --decode embedding\|classify$"):
        open_model(path)
    assert any("of its outputs y0 is read, y1 not" in note for note in open_model(path, decoder="classify").notes)


def test_how_many_rows_another_output_has_is_no_class(told):
    path = told({"boxes": np.zeros((37, 6), np.float32), "count": np.zeros(1, np.float32)}, (64, 64))
    with pytest.raises(ModelError, match="no decoder fits its outputs boxes 37x6, count 1"):
        open_model(path)
    assert open_model(path, decoder="classify").manifest.main.task == "classify"


@pytest.mark.parametrize(("shape", "whole"), [((None, None), True), ((None, 1, None), True), ((), True),
                                              ((None, None, 40), False), ((None,) * 4, False)])  # fmt: skip
def test_what_leaves_its_shape_open_is_a_row_only_where_it_can_be_one(shape, whole):
    picture, scores = TensorInfo("x", (1, 3, 64, 64), "float32"), TensorInfo("y", shape, "float32")
    file = ModelDescription("onnx", "onnxruntime", (picture,), (scores,), (), "")
    assert (read_as_classifier(file, (), asked=True) is not None) == whole
    assert "or give its names" not in why_unread(file)[0]


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ([(1, 1, 64, 64)], "numbers for places of the picture: a mask"),
        ([(1, 255, 2, 2)], "maps before they are decoded"),
        ([(1, 1, 8, 8), (1, 2, 8, 8)], "maps before they are decoded"),
        ([(1, 1404), (1, 160), (1, 142)], "several rows of numbers: landmarks, perhaps"),
        ([(1, 1, 21, 3)], "points in the picture, most likely: landmarks"),
        ([(1, 64, 64)], "numbers for places of the picture: a mask"),
    ],
)
def test_what_is_refused_is_told_what_it_looks_like_and_calls_itself(told, shapes, said):
    outputs = {f"y{i}": np.zeros(shape, np.float32) for i, shape in enumerate(shapes)}
    path = told(outputs, (64, 64), metadata={"name": "Finder of things"})
    with pytest.raises(ModelError, match=rf"\({said}; it calls itself Finder of things\): .*--decode"):
        open_model(path)
    with pytest.raises(ModelError, match=rf"\({said}\): "):
        open_model(told(outputs, (64, 64), metadata={"name": "two\nlines"}))


def test_a_detector_that_is_not_known_is_called_one(told):
    outputs = {"labels": np.zeros((1, 300)), "boxes": np.zeros((1, 300, 4)), "scores": np.zeros((1, 300))}
    path = told({name: value.astype(np.float32) for name, value in outputs.items()}, (64, 64))
    with pytest.raises(ModelError, match=r"\(boxes and scores of a detector that is not known here\)"):
        open_model(path)


def test_names_a_line_in_the_metadata_are_those_of_its_classes(told):
    scores = {"y": np.array([[0.1, 0.2, 0.6, 0.1]], np.float32)}
    bundle = open_model(told(scores, (32, 32), metadata={"character": "0\n90\n180\n270"}), std=255)
    assert bundle.manifest.main.labels == ("0", "90", "180", "270")


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
