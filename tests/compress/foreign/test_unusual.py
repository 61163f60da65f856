"""ONNX files that are valid and odd: each is quantized for what it is, or refused for what is wrong with it."""

from pathlib import Path

import numpy as np
import pytest
from one_line import one_line

from edgelens.compress.config import CompressConfig
from edgelens.compress.foreign import bundle_file, compress_onnx
from edgelens.compress.foreign.compress_onnx import CompressedFile
from edgelens.compress.foreign.onnx_model import load_onnx, prepared_onnx
from edgelens.runtime.errors import DataError, EdgelensError
from edgelens.runtime.model.verify import verify_bundle

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

GOOD_DB = 40.0  # such a small network in 8 bits stands at 50 to 60


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Smooth coloured pictures, each of its own."""
    import cv2

    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for i in range(16):
        coarse = random.integers(0, 256, (6, 6, 3), np.uint8)
        cv2.imwrite(str(folder / f"{i}.png"), cv2.resize(coarse, (32, 32), interpolation=cv2.INTER_CUBIC))
    return folder


def node(kind, taken, made, **said):
    return helper.make_node(kind, taken.split(), made.split(), **said)


def stored(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


class Net:
    """Two convolutions, each with its activation, and a classifier of 10: what a test puts odd parts into."""

    def __init__(self, channels=3, dtype=np.float32):
        random = np.random.default_rng(1)
        shapes = {
            "w1": (16, channels, 3, 3),
            "b1": (16,),
            "w2": (32, 16, 3, 3),
            "b2": (32,),
            "w3": (10, 32),
            "b3": (10,),
        }
        self.weights = {
            name: stored(name, random.standard_normal(shape) / np.sqrt(max(np.prod(shape[1:]), 4)), dtype)
            for name, shape in shapes.items()
        }
        self.nodes = {
            "first": node("Conv", "x w1 b1", "c1", pads=[1] * 4),
            "activation": node("Relu", "c1", "r1"),
            "pool": node("MaxPool", "r1", "p1", kernel_shape=[2, 2], strides=[2, 2]),
            "second": node("Conv", "p1 w2 b2", "c2", pads=[1] * 4),
            "again": node("Relu", "c2", "r2"),
            "mean": node("GlobalAveragePool", "r2", "g"),
            "row": node("Flatten", "g", "f"),
            "classifier": node("Gemm", "f w3 b3", "y", transB=1),
        }
        self.shape, self.answers = [1, channels, 32, 32], [1, 10]

    def add(self, name, values, dtype=np.float32):
        self.weights[name] = stored(name, values, dtype)

    def save(self, folder: Path, *, domains=()) -> str:
        ends = [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", self.shape), ("y", self.answers))
        ]
        graph = helper.make_graph([*self.nodes.values()], "g", ends[:1], ends[1:], [*self.weights.values()])
        opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), folder / "odd.onnx")
        return str(folder / "odd.onnx")


def compressed(model: str, pictures: Path) -> CompressedFile:
    said = {"decoder": "classify", "mean": (127.5,), "std": (127.5,)}
    out = Path(model).with_suffix(".edge")
    return compress_onnx(model, out, str(pictures), CompressConfig(calibration_images=16), said)


def require_good(made: CompressedFile) -> None:
    row = made.parity.of("models/main.int8.onnx")
    assert row.snr_db > GOOD_DB
    assert verify_bundle(made.bundle).ok
    kinds = [n.op_type for n in onnx.load_from_string(made.bundle.read("models/main.int8.onnx")).graph.node]
    assert kinds.count("QuantizeLinear") >= 3, "8 bits in name alone"


@pytest.mark.parametrize("edge", [-np.inf, np.finfo(np.float32).min])
def test_the_edge_of_a_maximum_is_no_value_that_a_range_must_hold(pictures, tmp_path, edge):
    net = Net()
    net.add("around", [0, 0, 0, 0, 0, 0, 1, 1], np.int64)
    net.add("least", edge)
    first, activation, _, *others = net.nodes.items()
    padded = node("Pad", "r1 around least", "padded")
    pool = node("MaxPool", "padded", "p1", kernel_shape=[3, 3], strides=[2, 2])
    net.nodes = dict([first, activation, ("pad", padded), ("pool", pool), *others])
    require_good(compressed(net.save(tmp_path), pictures))


def test_a_network_that_answers_nan_is_refused_by_its_name(pictures, tmp_path):
    net = Net()
    net.nodes["classifier"].output[0] = "l"
    net.nodes["log"] = node("Log", "l", "y")
    model = net.save(tmp_path)
    with pytest.raises(DataError) as caught:
        compressed(model, pictures)
    one_line(caught.value, "odd.onnx", "NaN", "--mean")
    with pytest.raises(DataError) as caught:
        bundle_file(model, tmp_path / "odd.edge", {"decoder": "classify"}, images=str(pictures))
    one_line(caught.value, "odd.onnx", "NaN", "--mean")
    assert not (tmp_path / "odd.edge").exists()


def test_classes_that_are_ruled_out_have_a_logarithm_and_a_proof(pictures, tmp_path):
    net = Net()
    net.nodes["classifier"].output[0] = "l"
    net.nodes |= {"above": node("Relu", "l", "a"), "log": node("Log", "a", "y")}
    made = bundle_file(net.save(tmp_path), tmp_path / "odd.edge", {"decoder": "classify"}, images=str(pictures))
    report = verify_bundle(made.bundle)
    assert report.ok
    assert report.files[0].max_difference == 0
    assert report.doubts == ()


def test_a_gray_picture_without_an_axis_of_channels_is_quantized(pictures, tmp_path):
    net = Net(channels=1)
    net.shape = [1, 32, 32]
    net.add("axis", [1], np.int64)
    net.nodes = {"axes": node("Unsqueeze", "x axis", "x4"), **net.nodes}
    net.nodes["first"].input[0] = "x4"
    require_good(compressed(net.save(tmp_path), pictures))


@pytest.mark.parametrize("kind", ["Gelu", "FusedConv"])
def test_layers_behind_an_operator_of_onnxruntimes_own_are_quantized(pictures, tmp_path, kind):
    net = Net()
    if kind == "Gelu":
        net.nodes["activation"] = node("Gelu", "c1", "r1", domain="com.microsoft")
    else:
        fused = node("FusedConv", "x w1 b1", "r1", pads=[1] * 4, activation="Relu", domain="com.microsoft")
        net.nodes = {
            "first": fused,
            **{name: n for name, n in net.nodes.items() if name not in ("first", "activation")},
        }
    made = compressed(net.save(tmp_path, domains=["com.microsoft"]), pictures)
    assert made.parity.of("models/main.int8.onnx").snr_db > GOOD_DB
    kinds = [n.op_type for n in onnx.load_from_string(made.bundle.read("models/main.int8.onnx")).graph.node]
    assert "QuantizeLinear" in kinds


def test_a_transposed_convolution_in_groups_stays_float(pictures, tmp_path):
    net = Net()
    random = np.random.default_rng(2)
    net.add("wt", random.standard_normal((16, 8, 2, 2)) / 8)  # 4 groups of 8 channels each
    net.nodes["second"] = node("ConvTranspose", "p1 wt b2", "c2", kernel_shape=[2, 2], strides=[2, 2], group=4)
    made = compressed(net.save(tmp_path), pictures)
    assert made.parity.of("models/main.int8.onnx").snr_db > GOOD_DB


def test_a_classifier_that_is_a_convolution_behind_the_pooling_stays_float_too(pictures, tmp_path):
    net = Net()
    net.add("w3", numpy_helper.to_array(net.weights["w3"])[:, :, None, None])
    net.answers = [1, 10, 1, 1]
    net.nodes["classifier"] = node("Conv", "g w3 b3", "y")
    del net.nodes["row"]
    made = compressed(net.save(tmp_path), pictures)
    require_good(made)
    graph = onnx.load_from_string(made.bundle.read("models/main.int8.onnx")).graph
    last = next(n for n in graph.node if "y" in n.output)
    assert last.op_type == "Conv"
    assert "w3" in last.input


def test_a_weight_that_nothing_reads_keeps_no_normalisation_from_being_folded(tmp_path):
    net = Net()
    net.add("unread", np.zeros((64, 64)))
    for part, value in (("scale", 1.5), ("shift", 0.1), ("mean", 0.2), ("spread", 0.7)):
        net.add(part, np.full(16, value))
    net.nodes["first"].output[0] = "c0"
    first = net.nodes.pop("first")
    net.nodes = {"first": first, "norm": node("BatchNormalization", "c0 scale shift mean spread", "c1"), **net.nodes}
    prepared, notes = prepared_onnx(load_onnx(net.save(tmp_path)), "odd.onnx")
    assert notes == ()
    assert "BatchNormalization" not in [n.op_type for n in prepared.graph.node]


def test_half_floats_that_are_written_as_operators_are_refused_too(tmp_path):
    net = Net(dtype=np.float16)
    constants = {name: helper.make_node("Constant", [], [name], value=value) for name, value in net.weights.items()}
    net.weights = {}
    net.nodes["first"].input[0], net.nodes["classifier"].output[0] = "half", "l"
    net.nodes = {**constants, "in": node("Cast", "x", "half", to=TensorProto.FLOAT16), **net.nodes}
    net.nodes["out"] = node("Cast", "l", "y", to=TensorProto.FLOAT)
    with pytest.raises(EdgelensError) as caught:
        load_onnx(net.save(tmp_path))
    one_line(caught.value, "odd.onnx", "float16", "export it in float32")


def test_weights_that_are_stored_in_8_bits_are_in_8_bits_already(tmp_path):
    net = Net()
    weight = numpy_helper.to_array(net.weights.pop("w2"))
    scales = np.abs(weight).reshape(32, -1).max(1) / 127
    net.add("w2q", np.rint(weight / scales[:, None, None, None]), np.int8)
    net.add("w2s", scales)
    net.nodes = {"weights": node("DequantizeLinear", "w2q w2s", "w2", axis=0), **net.nodes}
    with pytest.raises(EdgelensError) as caught:
        load_onnx(net.save(tmp_path))
    one_line(caught.value, "odd.onnx", "8 bits already", "edgelens bundle")
