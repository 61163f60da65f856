"""The files of a compressed run: the same network four times, in the pixel contract, proven and documented."""

import json
from collections import Counter

import numpy as np
import pytest

from edgelens.compress.config import CompressConfig
from edgelens.compress.export.artifact import Artifact, file_outputs
from edgelens.compress.export.tflite import operators
from edgelens.compress.ingredients import ingredients_of
from edgelens.runtime.formats.catalog import describe
from edgelens.runtime.model.verify import verify_bundle

FILES = [f"models/main.{precision}.{suffix}" for precision in ("float32", "int8") for suffix in ("onnx", "tflite")]


def test_verify_passes_on_every_file(compressed):
    report = verify_bundle(compressed.bundle)
    assert {file.path for file in report.files} == set(FILES)
    assert report.ok
    assert all(file.within for file in report.files)


def test_float_files_are_the_torch_network(compressed):
    for row in compressed.parity.files:
        if row.precision == "float32":
            assert row.max_difference <= 1e-4
            assert row.agreement == 1.0


def test_int8_files_agree_on_every_image(compressed):
    assert compressed.parity.between_formats == 1.0
    for row in compressed.parity.files:
        assert row.accuracy >= compressed.parity.torch_accuracy - 0.03
        assert row.snr_db > 20


def test_nothing_stands_before_the_first_convolution(compressed):
    import onnx

    kinds = operators(compressed.bundle.read("models/main.int8.tflite"))
    assert kinds[0][0] in ("CONV_2D", "DEPTHWISE_CONV_2D")  # of one channel, each filter sees it alone
    assert kinds[0][1][0] == "image"
    nodes = list(onnx.load_from_string(compressed.bundle.read("models/main.int8.onnx")).graph.node)
    assert [node.op_type for node in nodes if node.op_type in ("Cast", "Mul", "Sub", "Div")] == []
    first = next(i for i, node in enumerate(nodes) if node.op_type == "Conv")
    assert {node.op_type for node in nodes[:first]} <= {"Transpose", "DequantizeLinear"}


def test_float_onnx_normalises_in_one_operator(compressed):
    import onnx

    nodes = list(onnx.load_from_string(compressed.bundle.read("models/main.float32.onnx")).graph.node)
    first = next(i for i, node in enumerate(nodes) if node.op_type == "Conv")
    assert [node.op_type for node in nodes[:first]] in (["Transpose", "DequantizeLinear"], ["DequantizeLinear"])


def test_every_convolution_runs_in_8_bits_in_onnxruntime(compressed, tmp_path):
    import onnx
    import onnxruntime as ort

    settings = ort.SessionOptions()
    settings.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    settings.log_severity_level = 4
    ort.InferenceSession(compressed.bundle.read("models/main.int8.onnx"), settings)
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
    assert kinds["QLinearConv"] == 9
    assert kinds["Conv"] == 0


def test_both_formats_leave_the_same_operators_float(compressed):
    import onnx

    left = {"AveragePool", "Gemm"}
    model = onnx.load_from_string(compressed.bundle.read("models/main.int8.onnx"))
    dequantized = {name for node in model.graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    floats = {
        node.op_type for node in model.graph.node
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear", "Transpose", "Reshape")
        and not any(name in dequantized for name in node.input[1:2] or node.input[:1])
        and not any(f"{name}_q" in {o for n in model.graph.node for o in n.output} for name in node.output)
    }  # fmt: skip
    assert floats <= left | {"Conv", "Add", "Relu"}
    after = [kind for kind, _, _ in operators(compressed.bundle.read("models/main.int8.tflite")) if kind != "RESHAPE"]
    assert after[after.index("DEQUANTIZE") + 1 :] == ["AVERAGE_POOL_2D", "FULLY_CONNECTED"]
    assert set(compressed.card.extra["left_float"]) >= {"linear"}


def test_there_is_no_transpose_in_the_tflite_files(compressed):
    for path in FILES[1::2]:
        assert "TRANSPOSE" not in [kind for kind, _, _ in operators(compressed.bundle.read(path))]


@pytest.mark.parametrize("path", FILES)
def test_labels_ride_along_in_the_files(compressed, path):
    described = describe(compressed.bundle.read(path), path)
    names = described.labels or tuple(json.loads(described.metadata["labels"]))
    assert names == tuple(str(n) for n in range(10))


def test_a_bare_file_out_of_the_bundle_answers_with_its_labels(compressed, tmp_path, run):
    from edgelens.runtime.model.network import LoadedNetwork
    from edgelens.runtime.model.open import open_model

    for path in (FILES[2], FILES[3]):
        file = tmp_path / path.rsplit("/", 1)[1]
        file.write_bytes(compressed.bundle.read(path))
        bundle = open_model(str(file))
        network = bundle.manifest.main
        assert network.labels == run.classes
        assert (network.pixels.height, network.pixels.color) == (16, "gray")
        picture = np.zeros((16, 16, 1), np.uint8)
        with LoadedNetwork(bundle, network, network.files[0]) as loaded:
            (bare,) = loaded.outputs(picture).values()
        stored = compressed.bundle.manifest.main
        held = next(f for f in stored.files if f.path == path)
        with LoadedNetwork(compressed.bundle, stored, held) as loaded:
            bundled = next(iter(loaded.outputs(picture).values()))  # its features come behind
        np.testing.assert_allclose(bare, bundled, atol=1e-5)


def test_the_simulation_is_what_the_files_compute(compressed, run):
    from edgelens.compress.files.model_files import quantized_by
    from edgelens.compress.network.answers import torch_outputs
    from edgelens.compress.network.graph import trace
    from edgelens.compress.quantize.sensitivity import answers_snr
    from edgelens.compress.quantize.simulate import simulate

    config = CompressConfig(calibration_images=64)
    made_of = ingredients_of(run, config)
    graph = trace(made_of.network, run.pixels)
    sim = simulate(graph, quantized_by(graph, made_of.calibration, config, ("logits",)))
    held = made_of.evaluation.pixels[:64]
    file = next(f for f in compressed.bundle.manifest.main.files if f.path == FILES[3])
    artifact = Artifact("tflite", "int8", compressed.bundle.read(FILES[3]), file.tensor, file.outputs)
    assert answers_snr(torch_outputs(sim, held, ("logits",)), file_outputs(artifact, held)) > 25


def test_decode_settings_are_fitted_to_the_shipped_file(compressed):
    decode = compressed.bundle.manifest.main.decode
    assert 0.05 < decode.options["temperature"] < 20
    assert 0 <= decode.threshold <= 1


def test_the_card_says_what_was_done(compressed):
    card = json.loads(compressed.bundle.read("card.json"))
    steps = {row["step"]: row for row in card["steps"]}
    assert steps["int8 TFLite"]["size"] < steps["float32 TFLite"]["size"] / 2.5
    assert all(steps[name]["p50_ms"] > 0 for name in ("float32 ONNX", "int8 ONNX"))
    assert len(card["sensitivity"]) == 9
    assert "| step | accuracy |" in compressed.bundle.read("card.md").decode()
    assert compressed.report.count("<img") == 1
    assert "http" not in compressed.report.replace("http-equiv", "")


def test_feature_space_is_the_networks_own(compressed, run):
    from edgelens.compress.proof.feature_space import feature_space

    assert compressed.bundle.manifest.main.feature_space == feature_space(run.model(), run.pixels)
