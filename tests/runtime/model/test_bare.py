"""Model files of other people: what the file says and what options say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.errors import ModelError, UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_alone, open_model
from edgelens.runtime.model.recognizer import BundleRecognizer


@pytest.fixture
def classifier(tmp_path, onnx_graph):
    """Writes a model whose classes are the means of its channels, in a layout and with an ending of choice."""
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")

    def write(shape=(1, 3, 8, 8), *, ending=None, metadata=None, dtype="float32", name="m.onnx", out=None, axes=None):
        axes = list(axes or ((2, 3) if shape[1] == 3 else (1, 2)))
        nodes = [
            helper.make_node("Cast", ["x"], ["f"], to=1),
            helper.make_node("ReduceMean", ["f"], ["mean"], axes=axes, keepdims=0),
        ]
        last = "mean"
        if ending:
            nodes.append(helper.make_node(ending, ["mean"], ["ended"]))
            last = "ended"
        nodes.append(helper.make_node("Identity", [last], ["y"]))
        data = onnx_graph(
            nodes, {"x": (dtype, list(shape))}, {"y": ("float32", list(out or (shape[0], 3)))}, {}, metadata
        )
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return write


def cells(tmp_path, onnx_graph, quantized=False, classes=2):
    """A YOLOX of so many classes, as far as its shape and last operators go."""
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")
    last = "grid" if quantized else "y"
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Add", ["cells", "mean"], ["columns"]),
        helper.make_node("Transpose", ["columns"], [last], perm=[0, 2, 1]),
    ]
    weights = {"cells": np.zeros((1, 5 + classes, 84), np.float32)}
    if quantized:
        weights |= {"scale": np.float32(0.1), "zero": np.uint8(3)}
        nodes += [
            helper.make_node("QuantizeLinear", ["grid", "scale", "zero"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
        ]
    path = tmp_path / "cells.onnx"
    out = {"y": ("float32", [1, 84, 5 + classes])}
    path.write_bytes(onnx_graph(nodes, {"x": ("float32", [1, 3, 64, 64])}, out, weights))
    return path


@pytest.mark.parametrize("quantized", [False, True])
def test_yolox_is_known_by_its_last_operator_in_8_bits_too(tmp_path, onnx_graph, quantized):
    path = cells(tmp_path, onnx_graph, quantized)
    assert open_model(path).manifest.main.decode.decoder == "yolox"


def test_names_of_a_detector_without_a_background_row_are_never_shifted(tmp_path, onnx_graph):
    path = str(cells(tmp_path, onnx_graph))
    with pytest.raises(UsageError, match="1 names for a model of 2 classes"):
        open_model(path, labels=["b"])
    assert open_model(path, labels=["a", "b"]).manifest.main.labels == ("a", "b")


def test_eighty_classes_that_nothing_names_are_taken_for_cocos_and_that_is_said(tmp_path, onnx_graph):
    path = cells(tmp_path, onnx_graph, classes=80)
    bundle = open_model(path, classes="cat,16")
    assert bundle.manifest.main.labels[15:17] == ("cat", "dog")
    assert bundle.manifest.main.decode.options["classes"] == [15, 16]
    assert any("its 80 classes are taken for COCO's; --labels overrules" in note for note in bundle.notes)
    named = open_model(path, labels=[f"thing {i}" for i in range(80)])
    assert named.manifest.main.labels[15] == "thing 15"
    assert not any("COCO" in note for note in named.notes)
    with pytest.raises(UsageError, match="3 names for a model of 80 classes"):
        open_model(path, labels=["a", "b", "c"])


def test_names_and_numbers_of_classes_are_held_against_what_the_outputs_say(tmp_path, onnx_graph):
    path, names = cells(tmp_path, onnx_graph), tmp_path / "names.txt"
    names.write_text("a\nb\nc\n")
    with pytest.raises(UsageError, match=r"--labels .*: 3 names for a model of 2 classes"):
        open_model(path, labels=str(names))
    assert open_model(path, classes=[1]).manifest.main.decode.options["classes"] == [1]
    with pytest.raises(UsageError, match="--classes 2: is no label of this model, nor a class number"):
        open_model(path, classes=[2])


BLUE = np.zeros((8, 8, 3), np.uint8)
BLUE[..., 0] = 200


def see(path, image=BLUE, **options):
    bundle = open_model(path, **options)
    with BundleRecognizer(bundle, options=EngineOptions()) as recognizer:
        return recognizer.recognize(Frame(image)).recognitions


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (1, 8, 8, 3), ("N", 8, 8, 3), ("batch", 3, 8, 8)])
def test_layout_and_batch_are_read_from_the_file(classifier, shape):
    seen = see(classifier(shape))
    assert seen.top == ("2", pytest.approx(1))
    assert see(classifier(shape), color="bgr").label() == "0"


def test_files_that_leave_everything_free(classifier):
    path = classifier(("batch", "channels", "height", "width"), axes=(2, 3), out=("batch", "classes"))
    with pytest.raises(ModelError, match="no decoder fits"):
        open_model(path)
    with pytest.raises(UsageError, match="say which with --input-size"):
        open_model(path, decoder="classify")
    seen = see(
        path, np.full((9, 9, 3), (200, 0, 0), np.uint8), decoder="classify", input_size="8", labels=["r", "g", "b"]
    )
    assert seen.label() == "b"


def test_a_size_that_is_left_free_can_be_said_or_is_said_to_bundle(classifier):
    path = str(classifier(("batch", 3, "height", "width"), axes=(2, 3)))
    shown = CliRunner().invoke(cli, ["inspect", path, "--decode", "classify", "--input-size", "8x8"])
    assert "8x8 rgb" in shown.output and "runs here   yes" in shown.output
    wrong = CliRunner().invoke(cli, ["inspect", path, "--decode", "nonsense"])
    assert isinstance(wrong.exception, UsageError) and "must be one of" in str(wrong.exception)
    for words in (["verify", path], ["chain", "digits", path, "--out", "x.edge"], ["deploy", path, "--to", "nowhere"]):
        refused = CliRunner().invoke(cli, words).exception
        assert isinstance(refused, UsageError), refused
        assert str(refused).endswith("with --input-size WxH (to `edgelens bundle`; the bundle that it makes goes here)")


def test_only_what_an_option_would_say_is_sent_to_bundle(classifier, tmp_path):
    free = classifier(("batch", "channels", "height", "width"), axes=(2, 3), out=("batch", "classes"))
    with pytest.raises(
        ModelError, match=r"say --decode .*\(to `edgelens bundle`; the bundle that it makes goes here\)$"
    ):
        open_alone(free)
    odd = tmp_path / "no--model.onnx"
    odd.write_bytes(b"nothing of the kind")
    nowhere = tmp_path / "no--where.onnx"
    maps = classifier(axes=(1,), out=(1, 2, 3, 4, 5))
    for path, error, words in (
        (odd, ModelError, "is no onnx file"),
        (nowhere, UsageError, "no such file"),
        (maps, ModelError, "no --decode can read them either"),
    ):
        with pytest.raises(error, match=words) as caught:
            open_alone(path)
        assert "edgelens bundle" not in str(caught.value)


def test_mean_and_std_a_number_or_one_a_channel(classifier):
    path = classifier()
    bundle = open_model(path, mean="100,0,0", std="1,2,4", labels=["r", "g", "b"])
    with BundleRecognizer(bundle, options=EngineOptions()) as recognizer:
        network = recognizer.networks["main"]
        picture = np.zeros((8, 8, 3), np.uint8)
        picture[..., :] = 100, 50, 20
        assert network.outputs(picture)["logits"][0] == pytest.approx([0, 25, 5])
    assert open_model(path, std=255).manifest.main.files[0].tensor.std == (255.0,)
    for bad in ({"mean": "a"}, {"std": "1,2"}, {"std": "0"}, {"mean": "nan"}):
        with pytest.raises(UsageError, match=r"--mean|--std"):
            open_model(path, **bad)


def test_pixels_that_go_in_as_they_are_are_said(classifier):
    assert any("--mean and --std" in note for note in open_model(classifier()).notes)
    names = ["r", "g", "b"]
    assert not open_model(classifier(), std="255", labels=names).notes
    (note,) = open_model(classifier(), labels=names, mean=".485,.456,.406", std=".229,.224,.225").notes
    assert "would be --mean 123.675,116.28,103.53 --std 58.395,57.12,57.375" in note


@pytest.mark.parametrize(("dtype", "shape"), [("uint8", (1, 8, 8, 3)), ("int8", (1, 8, 8, 3))])
def test_integer_inputs_take_the_pixel_filling_their_range(classifier, dtype, shape):
    bundle = open_model(classifier(shape, dtype=dtype), labels=["r", "g", "b"])
    with BundleRecognizer(bundle, options=EngineOptions()) as recognizer:
        logits = recognizer.networks["main"].outputs(np.full((8, 8, 3), 200, np.uint8))["logits"]
    assert logits == pytest.approx(np.full((1, 3), 200 if dtype == "uint8" else 72))
    assert bundle.notes == ()


def test_probabilities_are_told_by_the_last_operator(classifier):
    assert "probabilities" not in open_model(classifier()).manifest.main.decode.options
    for ending in ("Softmax", "Sigmoid"):
        assert open_model(classifier(ending=ending)).manifest.main.decode.options == {"probabilities": True}
    odd = open_model(classifier(ending="Tanh")).manifest.main.decode
    assert odd.options == {"probabilities": "from values"}
    seen = see(classifier(ending="Sigmoid"), std="200")
    assert seen.scores == pytest.approx([1 / (1 + np.exp(-1))])
    assert seen.rival_scores == pytest.approx(np.array([[0.5, 0.5]]))


def test_labels_from_a_file_from_metadata_and_by_count(classifier, tmp_path):
    (tmp_path / "l.txt").write_text("r\ng\nb\n")
    assert see(classifier(), labels=str(tmp_path / "l.txt")).label() == "b"
    assert see(classifier(metadata={"classes": json.dumps(["r", "g", "blue"])})).label() == "blue"
    assert see(classifier(metadata={"classes": '["a", "b", "c"]'}), labels=["x", "y", "z"]).label() == "z"
    with pytest.raises(UsageError, match="7 names for a model of 3 classes"):
        open_model(classifier(), labels=list("abcdefg"))
    odd = open_model(classifier(metadata={"classes": '["a"]'}))
    assert odd.manifest.main.labels == ()
    assert any("1 names for a model of 3 classes" in note for note in odd.notes)


@pytest.mark.parametrize("text", ["1: r\n2: g\n3: b\n", '{"r": 1, "g": 2, "b": 3}', '{"1": "r", "2": "g", "3": "b"}'])
def test_numbers_that_begin_at_1_are_put_right(classifier, tmp_path, text):
    (tmp_path / "l.txt").write_text(text)
    bundle = open_model(classifier(), labels=str(tmp_path / "l.txt"))
    assert bundle.manifest.main.labels == ("r", "g", "b")
    assert any("its 1 is the first class" in note for note in bundle.notes)


def test_names_with_numbers_stay_at_their_numbers(classifier, tmp_path):
    unnamed = open_model(classifier(metadata={"names": "{0: 'a', 1: 'b'}"}))
    assert unnamed.manifest.main.labels == ()
    assert any("2 names for a model of 3 classes" in note for note in unnamed.notes)
    for text, match in (
        ("0: a\n1: b\n", "2 names for a model of 3 classes"),
        ("1: a\n2: b\n3: c\n4: d\n", "numbers end at 4, a model of 3 classes has 0 to 2"),
    ):
        (tmp_path / "l.txt").write_text(text)
        with pytest.raises(UsageError, match=match):
            open_model(classifier(), labels=str(tmp_path / "l.txt"))
    assert open_model(classifier(), labels=["a", "b"]).manifest.main.labels == ("background", "a", "b")


def test_one_output_is_two_classes(onnx_graph, tmp_path):
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")

    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "axis"], ["row"]),
        helper.make_node("Sigmoid", ["row"], ["y"]),
    ]
    data = onnx_graph(
        nodes, {"x": ("float32", [1, 3, 8, 8])}, {"y": ("float32", [1, 1])}, {"axis": np.array([1], np.int64)}
    )
    (tmp_path / "b.onnx").write_bytes(data)
    seen = see(str(tmp_path / "b.onnx"), std="100", labels=["no", "yes"])
    assert seen.top == ("yes", pytest.approx(1 / (1 + np.exp(-2 / 3))))


def test_gray_pictures_without_a_channel_axis(onnx_graph, tmp_path):
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")

    nodes = [helper.make_node("ReduceMean", ["x"], ["y"], axes=[1], keepdims=0)]
    (tmp_path / "g.onnx").write_bytes(onnx_graph(nodes, {"x": ("float32", [1, 8, 8])}, {"y": ("float32", [1, 8])}, {}))
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, 5] = 255
    assert see(str(tmp_path / "g.onnx"), image).label() == "5"


def test_what_cannot_run_is_one_line(classifier, onnx_graph, tmp_path):
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")

    relu = [helper.make_node("Relu", ["x"], ["y"])]
    for shape, match in (
        ([4, 3, 8, 8], "takes 4 pictures at once"),
        ([1, 5, 8, 8], "no picture of 1 or 3 channels"),
        ([3, 2], "x 3x2 is no picture of 1 or 3 channels"),
        ([1, 3, 8, 8], r"no decoder fits its outputs y 1x3x8x8 \(.*a mask\): no --decode can read them either"),
    ):
        (tmp_path / "r.onnx").write_bytes(onnx_graph(relu, {"x": ("float32", shape)}, {"y": ("float32", shape)}, {}))
        with pytest.raises(ModelError, match=match):
            open_model(str(tmp_path / "r.onnx"))
    both = [helper.make_node("Add", ["x", "z"], ["y"])]
    sizes = {"x": ("float32", [1, 3, 8, 8]), "z": ("float32", [1, 3, 8, 8])}
    (tmp_path / "t.onnx").write_bytes(onnx_graph(both, sizes, {"y": ("float32", [1, 3, 8, 8])}, {}))
    with pytest.raises(ModelError, match="models of one picture run here"):
        open_model(str(tmp_path / "t.onnx"))
    for options, match in (
        ({"decoder": "yolo9000"}, "--decode yolo9000: must be one of"),
        ({"color": "cmyk"}, "--color cmyk"),
        ({"color": "gray"}, "takes 3 channels"),
        ({"resize": "melt"}, "--resize melt"),
        ({"threshold": 2.0}, "--threshold 2.0"),
        ({"pad": 300}, "--pad 300"),
        ({"input_size": "9x9"}, "takes 8x8 and no other size"),
        ({"input_size": "big"}, "write WIDTHxHEIGHT"),
        ({"classes": "cow"}, "--classes cow"),
    ):
        with pytest.raises(UsageError, match=match):
            open_model(classifier(), **options)
    with pytest.raises(ModelError, match="--decode yolox does not fit its outputs: y 1x3"):
        open_model(classifier(), decoder="yolox")


def test_a_folder_of_pictures_does_not_hide_the_built_in_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert open_model("digits").manifest.name == "digits"


def test_a_bundle_brings_its_own_picture(color_bundle):
    path = str(color_bundle.path)
    with pytest.raises(UsageError, match=r"--mean: .* is a bundle and brings its own"):
        open_model(path, mean=1)
    changed = open_model(path, threshold=0.5, labels=["a", "b", "c"]).manifest.main
    assert (changed.decode.threshold, changed.labels) == (0.5, ("a", "b", "c"))
    with pytest.raises(UsageError, match="2 names for 3 classes"):
        open_model(path, labels=["a", "b"])
    with pytest.raises(UsageError, match="no such file, and no built-in"):
        open_model("nothing-of-that-name")


def test_files_that_the_kit_wrote_bring_their_picture(classifier):
    contract = {
        "pixels": {"height": 8, "width": 8, "color": "bgr", "resize": "letterbox", "pad": 7},
        "tensor": {"name": "x", "dtype": "float32", "layout": "NCHW", "mean": [128.0], "std": [64.0]},
    }
    metadata = {
        "labels": '["r", "g", "b"]',
        "names": '["r", "g", "b"]',
        "task": "classify",
        "input": json.dumps(contract),
    }
    network = open_model(classifier(metadata=metadata)).manifest.main
    assert (network.pixels.color, network.pixels.resize, network.pixels.pad) == ("bgr", "letterbox", 7)
    assert (network.files[0].tensor.mean, network.files[0].tensor.std) == ((128.0,), (64.0,))
    exact = {**contract["tensor"], "dtype": "int8", "std": [1.0]}
    path = classifier(
        (1, 8, 8, 3), dtype="int8", metadata={**metadata, "input": json.dumps({**contract, "tensor": exact})}
    )
    tensor = open_model(path).manifest.main.files[0].tensor
    assert (tensor.dtype, tensor.layout, tensor.mean, tensor.std, tensor.scale) == (
        "int8",
        "NHWC",
        (128.0,),
        (1.0,),
        None,
    )
    for broken in ("{", "[]", '{"pixels": 3}', json.dumps({**contract, "pixels": {"height": "x"}})):
        again = open_model(classifier(metadata={**metadata, "input": broken})).manifest.main
        assert again.pixels.resize == "stretch"
