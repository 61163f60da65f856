"""Other people's ONNX files: upgraded, quantized, timed against themselves, bundled."""

import numpy as np
import pytest

from edgelens.compress.config import CompressConfig
from edgelens.compress.foreign import compress_onnx
from edgelens.compress.foreign.onnx_model import load_onnx
from edgelens.runtime.errors import ModelError
from edgelens.runtime.model.verify import verify_bundle


@pytest.fixture(scope="module")
def digit_photos(tmp_path_factory):
    """Real digits in class folders, 28 × 28."""
    import cv2
    from sklearn.datasets import load_digits

    folder = tmp_path_factory.mktemp("photos")
    data = load_digits()
    for i in range(60):
        image = cv2.resize(np.clip(data.images[i] * 16, 0, 255).astype(np.uint8), (28, 28))
        place = folder / str(data.target[i])
        place.mkdir(exist_ok=True)
        cv2.imwrite(str(place / f"{i}.png"), image)
    return folder


def test_an_old_mnist_network_is_upgraded_and_proven(shared, digit_photos, tmp_path):
    model = str(shared / "models" / "mnist_onnx" / "mnist.onnx")
    made = compress_onnx(model, tmp_path / "m.edge", str(digit_photos), CompressConfig(calibration_images=40))
    assert verify_bundle(made.bundle).ok
    assert any("opset 8 upgraded" in note for note in made.card.notes)
    row = made.parity.of("models/main.int8.onnx")
    assert row.agreement >= 0.95
    assert row.snr_db > 25
    sizes = {file.precision: file.bytes for file in made.bundle.manifest.main.files}
    assert sizes["int8"] < sizes["float32"]


def test_a_plain_torch_export_is_quantized_throughout(digit_photos, tmp_path):
    import onnx
    import torch
    from torch import nn

    from edgelens.compress.host.quiet import quiet

    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU()]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4)).eval()
    file = tmp_path / "plain.onnx"
    with quiet():
        torch.onnx.export(network, (torch.zeros(1, 3, 32, 32),), file, dynamo=True)  # its weights in plain.onnx.data
    made = compress_onnx(
        str(file), tmp_path / "p.edge", str(digit_photos), CompressConfig(calibration_images=20), {"std": "255"}
    )
    assert made.parity.of("models/main.int8.onnx").snr_db > 20
    kinds = [n.op_type for n in onnx.load_from_string(made.bundle.read("models/main.int8.onnx")).graph.node]
    assert kinds.count("DequantizeLinear") >= 6
    assert made.bundle.manifest.main.pixels.width == 32


def test_half_floats_are_refused_in_one_line(tmp_path):
    import onnx
    from onnx import helper

    shapes = {name: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT16, [1, 3, 4, 4]) for name in "xy"}
    weight = helper.make_tensor("w", onnx.TensorProto.FLOAT16, [1], [2.0])
    graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"])], "g", [shapes["x"]], [shapes["y"]], [weight])
    onnx.save(helper.make_model(graph), tmp_path / "half.onnx")
    with pytest.raises(ModelError, match=r"half.onnx: its weights are float16: export it in float32"):
        load_onnx(str(tmp_path / "half.onnx"))


def test_what_is_in_8_bits_already_is_refused(tmp_path):
    import onnx
    from onnx import helper

    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 4, 4])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.UINT8, [1, 3, 4, 4])
    scale = helper.make_tensor("s", onnx.TensorProto.FLOAT, [], [0.1])
    graph = helper.make_graph([helper.make_node("QuantizeLinear", ["x", "s"], ["y"])], "g", [x], [y], [scale])
    onnx.save(helper.make_model(graph), tmp_path / "q.onnx")
    with pytest.raises(ModelError, match=r"q.onnx: is in 8 bits already: `edgelens bundle`"):
        load_onnx(str(tmp_path / "q.onnx"))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("level", [0, 1, 60_000])
def test_tensors_of_one_value_over_all_pictures_have_a_range(dtype, level):
    """A network of one class, a Softmax's sum, black pictures: what never changes is no reason to give up."""
    import onnx
    from onnx import helper

    from edgelens.compress.foreign.onnx_ranges import Probe, observe_onnx
    from edgelens.compress.quantize.observers import Observer

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Exp", ["f"], ["y"]) if level < 2 else helper.make_node("Neg", ["f"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", kind, [1, 3, 4, 4])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 3, 4, 4])
    model = helper.make_model(
        helper.make_graph(nodes, "g", [x], [y]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    observers = (Observer("minmax"), Observer("percentile"), Observer("mse"))
    found = observe_onnx(Probe(model), lambda: [np.full((1, 3, 4, 4), level, dtype)] * 2, observers)
    for ranges in found.values():
        assert {"x", "f", "y"} <= set(ranges)
        assert all(np.isfinite(ends).all() for ends in ranges.values())
    assert found[observers[0]]["x"] == pytest.approx((level, level), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("qualities", "taken"),
    [
        ((30.0, 30.2), ("minmax ranges",)),
        ((30.0, 30.4), ("percentile 99.999 ranges",)),
        ((9.0, 9.2, 9.9), ("minmax ranges",)),
        ((9.0, 9.2, 12.0), ("minmax ranges", "first 1 layers float")),
    ],
)
def test_what_is_said_to_be_taken_was_taken(monkeypatch, qualities, taken):
    import onnx
    from onnx import helper, numpy_helper

    from edgelens.compress.foreign import quantize_onnx

    x, y = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, 4, 4]) for name in "xy")
    weights = numpy_helper.from_array(np.ones((3, 3, 1, 1), np.float32), "w")
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="conv")
    graph = helper.make_graph([node], "g", [x], [y], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    told = iter(qualities)
    monkeypatch.setattr(quantize_onnx, "snr_db", lambda _wanted, _given: next(told))
    pictures = np.random.default_rng(0).random((4, 1, 3, 4, 4), np.float32)
    found = quantize_onnx.best_quantized(model, lambda: iter(pictures), ("y",), quantize_onnx.OBSERVERS[:2])
    assert found.taken == taken
    assert bool(found.mixed) == (len(taken) > 1)


def test_a_reader_of_any_width_is_quantized_at_the_width_that_most_pictures_have(tmp_path):
    import cv2
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.1, (11, 3, 48, 8)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["maps"], strides=[48, 8]),
        helper.make_node("Squeeze", ["maps", "rows"], ["line"]),
        helper.make_node("Transpose", ["line"], ["steps"], perm=[0, 2, 1]),
        helper.make_node("Softmax", ["steps"], ["y"], axis=2),
    ]
    graph = helper.make_graph(
        nodes,
        "reader",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 48, "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", "t", 11])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.array([2]), "rows")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "r.onnx")
    (tmp_path / "digits.txt").write_text("\n".join("0123456789"))
    (tmp_path / "lines").mkdir()
    for i, width in enumerate((90, 300, 700, 710, 720, 730)):
        cv2.imwrite(str(tmp_path / "lines" / f"{i}.png"), rng.integers(0, 256, (48, width, 3), np.uint8))
    said = {"labels": str(tmp_path / "digits.txt")}
    made = compress_onnx(str(tmp_path / "r.onnx"), tmp_path / "r.edge", str(tmp_path / "lines"), said=said)
    pixels = made.bundle.manifest.main.pixels
    assert len(pixels.widths) > 1  # the bundle still takes all of them
    assert made.parity.of("models/main.int8.onnx").snr_db > 20
    assert len(made.bundle.manifest.golden[0].frames) == 4  # of the width that most have
    assert verify_bundle(made.bundle).ok
