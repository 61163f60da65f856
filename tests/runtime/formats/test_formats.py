"""Model files read from their bytes: the same answer as the packages that own the formats, and no crash on damage."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from edgelens.runtime.errors import ModelError
from edgelens.runtime.formats.catalog import describe
from edgelens.runtime.formats.protobuf import message, packed_integers, signed

ONNX = ["models/yolox/yolox_nano.onnx", "models/ultraface/version-RFB-320.onnx", "models/mnist_onnx/mnist.onnx"]
TFLITE = [
    "models/ssd/coco_ssd_mobilenet_v1_1.0_quant.tflite",
    "models/coral/mobilenet_v1_0.25_128_quant.tflite",
    "models/mlperf_tiny/pretrainedResnet_quant.tflite",
    "models/mlperf_tiny/vww_96_float.tflite",
]


@pytest.mark.parametrize("name", ONNX)
def test_onnx_files_read_as_the_onnx_package_reads_them(shared, name):
    onnx = pytest.importorskip("onnx")
    data = (shared / name).read_bytes()
    file, graph = describe(data, name), onnx.load_from_string(data).graph
    assert file.operator_counts() == dict(Counter(node.op_type for node in graph.node).most_common())
    weights = {w.name for w in graph.initializer}
    assert [info.name for info in file.inputs] == [v.name for v in graph.input if v.name not in weights]
    for info, value in zip(file.outputs, graph.output, strict=True):
        assert info.name == value.name
        assert list(info.shape) == [d.dim_value or None for d in value.type.tensor_type.shape.dim]
    size = sum(onnx.numpy_helper.to_array(w).nbytes for w in graph.initializer)
    constants = [a.t for n in graph.node if n.op_type == "Constant" for a in n.attribute if a.name == "value"]
    size += sum(onnx.numpy_helper.to_array(t).nbytes for t in constants)
    assert sum(file.weights.values()) == size


@pytest.mark.parametrize("name", TFLITE)
def test_tflite_files_read_as_the_interpreter_reads_them(shared, name):
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    plain = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = litert.Interpreter(str(shared / name), experimental_op_resolver_type=plain)
    file = describe((shared / name).read_bytes(), name)
    for infos, details in (
        (file.inputs, interpreter.get_input_details()),
        (file.outputs, interpreter.get_output_details()),
    ):
        for info, detail in zip(infos, details, strict=True):
            assert info.name == detail["name"]
            assert [axis or -1 for axis in info.shape] == detail["shape_signature"].tolist()
            assert np.dtype(info.dtype) == detail["dtype"]
            assert ((info.scale or 0.0), info.zero_point) == pytest.approx(detail["quantization"])
    there = Counter(op["op_name"] for op in interpreter._get_ops_details())
    there.pop("DELEGATE", None)
    assert file.operator_counts() == dict(there)


def test_embedded_labels_and_normalization(shared):
    file = describe((shared / TFLITE[0]).read_bytes(), "ssd.tflite")
    wanted = (shared / "models/ssd/coco_labels_90_for_ssd.txt").read_text().split("\n")[:90]
    assert list(file.labels[:11]) == wanted[:11]
    assert len(file.labels) == 90
    assert (file.mean, file.std) == ((127.5,), (127.5,))
    assert file.metadata["author"] == "TensorFlow"


def test_a_dictionary_that_is_called_a_label_file(shared):
    """As older Ultralytics exports do: str(dict) in the appended zip, named as the labels of an output."""
    import io
    import zipfile

    data = (shared / TFLITE[0]).read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (name,) = archive.namelist()
        model = data[: archive.infolist()[0].header_offset]
    buffer = io.BytesIO(model)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(name, str({"task": "detect", "stride": 32, "names": {0: "a", 1: "b"}}))
    file = describe(buffer.getvalue(), "x.tflite")
    assert file.labels == ()
    assert file.metadata["names"] == "{0: 'a', 1: 'b'}"


def test_metadata_properties_and_free_axes(onnx_graph):
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")

    data = onnx_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        {"x": ("float32", ["N", 3, 8, "W"])},
        {"y": ("float32", ["N", 3, 8, "W"])},
        {},
        {"names": "{0: 'a'}", "ключ": "значение"},
    )
    file = describe(data, "x.onnx")
    assert file.inputs[0].shape == (None, 3, 8, None)
    assert file.metadata == {"names": "{0: 'a'}", "ключ": "значение"}
    assert file.version == "opset 17, IR 8"
    assert file.producer_of("y").kind == "Relu"


@pytest.mark.parametrize("name", [ONNX[2], TFLITE[2]])
def test_damaged_files_are_one_clear_line_or_still_readable(shared, name):
    data, suffix = (shared / name).read_bytes(), "x." + name.rsplit(".", 1)[1]
    rng = random.Random(5)
    cuts = [data[: rng.randrange(len(data))] for _ in range(60)]
    noise = [rng.randbytes(rng.randrange(1, 2000)) for _ in range(60)]
    flips = []
    for _ in range(300):
        flipped = bytearray(data)
        for _ in range(rng.choice([1, 1, 8])):
            # the structure is a small part of the file: half of the flips go there
            at = (
                rng.randrange(len(data))
                if rng.random() < 0.5
                else rng.choice([rng.randrange(4096), -rng.randrange(1, 16384)])
            )
            flipped[at] ^= 1 << rng.randrange(8)
        flips.append(bytes(flipped))
    for bad in [*cuts, *noise, *flips, b""]:
        try:
            describe(bad, suffix)
        except ModelError as error:
            assert "\n" not in str(error)
            assert "x." in str(error)


def test_wire_format_corner_cases():
    assert list(message(memoryview(b"\x08\x96\x01"))) == [(1, 150)]
    assert signed(2**64 - 1) == -1
    assert packed_integers(memoryview(b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")) == [1, -1]
    for bad in (b"\x08", b"\x0a\x05ab", b"\x0f", b"\x08" + b"\xff" * 11):
        with pytest.raises(ValueError, match="byte"):
            list(message(memoryview(bad)))
