"""What a quantized input is fed: figures that fit its range, else the pixel, and always said where it was guessed."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.reading import Reading
from edgelens.runtime.formats.tensor import TensorInfo
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.arguments import ModelArguments
from edgelens.runtime.model.input_numbers import input_numbers
from edgelens.runtime.model.inspection import inspect_model
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.preprocess import pixel_values

IMAGENET = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def fed(dtype, scale, zero_point, *, mean=None, std=None, said=None, color="rgb"):
    """The value of every pixel value, (1 or C, 256), and the notes."""
    info = TensorInfo("x", (1, 8, 8, 3), dtype, scale, zero_point)
    reading = Reading(Decode("classify"), ("logits",), mean=mean, std=std)
    tensor, notes = input_numbers(info, "NHWC", color, reading=reading, said=said or ModelArguments())
    values = pixel_values(tensor)
    return (np.arange(256)[None] if values is None else values), notes


@pytest.mark.parametrize(
    ("mean", "std", "scale", "zero_point", "problem"),
    [
        ((0.0,), (1.0,), 0.00787, 128, "2 different values of the pixel's 256"),
        ((127.5,), (127.5,), 1.0, 0, "2 different values of the pixel's 256"),
        (*IMAGENET, 2 / 255, 128, "of the pixel's values beyond the range"),
    ],
)
def test_a_stated_normalisation_that_does_not_fit_gives_way_to_the_pixel(mean, std, scale, zero_point, problem):
    values, (note,) = fed("uint8", scale, zero_point, mean=mean, std=std)
    assert (values == np.arange(256)).all()
    assert problem in note
    assert note.endswith("the pixel fills that range instead")


def test_a_stated_normalisation_that_fits_is_taken():
    values, notes = fed("uint8", 0.0187, 114, mean=IMAGENET[0], std=IMAGENET[1])
    assert values.shape == (3, 256)
    assert notes == []
    plain, notes = fed("uint8", 1 / 128, 128, mean=(127.5,), std=(127.5,))
    assert (plain == np.arange(256)).all()
    assert notes == []


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point"),
    [("int8", 1 / 255, -128), ("int8", 2 / 255, 0), ("uint8", 0.0078125, 128), ("int8", 1.0, -128), ("uint8", 1.0, 0)],
)
def test_ranges_that_one_mean_makes_take_the_pixel_without_a_word(dtype, scale, zero_point):
    values, notes = fed(dtype, scale, zero_point)
    assert (values == np.arange(256) - (128 if dtype == "int8" else 0)).all()
    assert notes == []


@pytest.mark.parametrize(("scale", "zero_point"), [(4.758 / 255, -14), (2.64 / 127, 0)])
def test_imagenets_range_is_recognized_and_said(scale, zero_point):
    values, (note,) = fed("int8", scale, zero_point)
    real = (values[:, [0, 255]].astype(int) - zero_point) * scale
    wanted = [[(end - mean) / std for end in (0, 255)] for mean, std in zip(*IMAGENET, strict=True)]
    assert real == pytest.approx(np.array(wanted), abs=0.06)
    assert "ImageNet" in note
    swapped, _ = fed("int8", scale, zero_point, color="bgr")
    assert (swapped == values[::-1]).all()


def test_any_other_range_takes_the_pixel_and_says_so():
    values, (note,) = fed("uint8", 3.9 / 255, 116)  # CLIP's
    assert (values == np.arange(256)).all()
    assert "quantized for -1.77 to 2.13" in note
    assert "give --mean and --std" in note
    assert "ImageNet" not in fed("uint8", 4.758 / 255, 114, color="gray")[1][0]


def test_asked_figures_are_taken_and_doubted():
    values, (note,) = fed("uint8", 0.00787, 128, said=ModelArguments(mean=0, std=1))
    assert values[0, 255] == 255
    assert values[0, 1] == 255
    assert note.endswith("are these its --mean and --std?")
    assert fed("uint8", 0.00787, 128, said=ModelArguments(mean=127.5, std=127.5))[1] == []


def test_an_onnx_input_says_its_range_where_it_is_dequantized(tmp_path, onnx_graph):
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "scale", "zero"], ["real"]),
        helper.make_node("ReduceMean", ["real"], ["y"], axes=[2, 3], keepdims=0),
    ]
    scale, zero = np.float32(4.758 / 255), np.int8(-14)
    path = tmp_path / "torch.onnx"
    path.write_bytes(
        onnx_graph(nodes, {"x": ("int8", [1, 3, 8, 8])}, {"y": ("float32", [1, 3])}, {"scale": scale, "zero": zero})
    )
    bundle = open_model(path)
    with BundleRecognizer(bundle) as recognizer:
        network = recognizer.networks["main"]
        answer = network.outputs(np.full((8, 8, 3), 200, np.uint8))["logits"][0]
        recognizer.recognize(Frame(np.zeros((8, 8, 3), np.uint8)))
    wanted = [(200 - mean) / std for mean, std in zip(*IMAGENET, strict=True)]
    assert answer == pytest.approx(wanted, abs=0.02)
    fed_in = inspect_model(str(path))["network"]["fed"]
    assert fed_in == {"black": [-128, -123, -111], "white": [107, 116, 127]}


def test_a_real_files_metadata_that_does_not_fit_gives_way(shared, tmp_path):
    """As published classifiers have it: mean 0 and deviation 1 beside an input quantized for -1 to 1."""
    from edgelens.runtime.formats.catalog import describe

    data = (shared / "models/ssd/coco_ssd_mobilenet_v1_1.0_quant.tflite").read_bytes()
    stated = np.float32(127.5).tobytes()
    first, second = (at for at in range(len(data) - 3) if data.startswith(stated, at))
    for mean_at, std_at in ((first, second), (second, first)):
        odd = bytearray(data)
        odd[mean_at : mean_at + 4], odd[std_at : std_at + 4] = np.float32(0).tobytes(), np.float32(1).tobytes()
        if describe(bytes(odd), "odd.tflite").std == (1.0,):
            break
    (tmp_path / "odd.tflite").write_bytes(odd)
    bundle = open_model(tmp_path / "odd.tflite")
    assert any("mean 0 and deviation 1 leave" in note for note in bundle.notes)
    same = open_model(shared / "models/ssd/coco_ssd_mobilenet_v1_1.0_quant.tflite")
    tensors = [pixel_values(each.manifest.main.files[0].tensor) for each in (bundle, same)]
    assert tensors == [None, None]  # the pixel itself, in both
