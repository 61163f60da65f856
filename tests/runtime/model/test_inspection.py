"""`inspect`: what is inside, as a table and as JSON; one line and exit code 2 for what is no model."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from colour_letters import colour_reader

from edgelens.cli import cli


def inspect(*arguments):
    return CliRunner().invoke(cli, ["inspect", *map(str, arguments)])


def test_a_detector(shared):
    result = inspect(shared / "models/yolox/yolox_nano.onnx")
    assert result.exit_code == 0, result.output
    for piece in ("opset 11", "images 1x3x416x416 float32", "output 1x3549x85", "113 Conv", "yolox, threshold 0.3"):
        assert piece in result.output


def test_json_has_everything(shared):
    result = inspect(shared / "models/ssd/coco_ssd_mobilenet_v1_1.0_quant.tflite", "--json", "-")
    found = json.loads(result.output)
    assert found["kind"] == "tflite"
    assert found["decoder"] == "ssd"
    assert found["labels"][0] == "person"
    assert found["operators"]["CONV_2D"] == 34
    assert found["inputs"][0]["shape"] == [1, 300, 300, 3]
    assert found["sha256"].startswith("61d598093ed0")


def test_a_long_alphabet_is_begun_and_counted(tmp_path):
    alphabet = [chr(0x4E00 + i) for i in range(500)]
    (tmp_path / "reads.onnx").write_bytes(colour_reader(others=497, metadata=False))
    (tmp_path / "all.txt").write_text("\n".join(alphabet), encoding="utf-8")
    result = inspect(tmp_path / "reads.onnx", "--labels", tmp_path / "all.txt")
    line = next(line for line in result.output.splitlines() if line.startswith("decoder"))
    assert line.startswith("decoder     ctc, threshold 0, alphabet 一, ")
    assert "… 492 more" in line and len(line) < 150


def test_a_bundle(tmp_path, onnx_graph, shared):
    pytest.importorskip("onnx")
    import dataclasses

    from edgelens.runtime.bundle.bundle import write_bundle
    from edgelens.runtime.model.open import open_model

    bare = open_model(str(shared / "models/mnist_onnx/mnist.onnx"))
    manifest = dataclasses.replace(bare.manifest, name="digits")
    bundle = write_bundle(tmp_path / "d.edge", manifest, {**bare.memory, "card.md": b"# digits\n"})
    result = inspect(bundle.path)
    assert result.exit_code == 0, result.output
    for piece in ("digits 1, format 1.0, not signed", "models/mnist.onnx", "28x28 gray", "Input3 1x1x28x28"):
        assert piece in result.output


def test_notes_and_settings_are_said_not_dumped(tmp_path, shared):
    import dataclasses

    from edgelens.runtime.bundle.bundle import write_bundle
    from edgelens.runtime.bundle.manifest import Provenance
    from edgelens.runtime.model.open import open_model

    bare = open_model(str(shared / "models/mnist_onnx/mnist.onnx"))
    notes = {"started_from": "ImageNet (" + 90 * "x" + ")", "expected": "75.0 % (53.1 to 88.8) right"}
    manifest = dataclasses.replace(bare.manifest, provenance=Provenance(notes=notes))
    decode = dataclasses.replace(manifest.main.decode, options={"temperature": 1.319471})
    networks = {**manifest.networks, "main": dataclasses.replace(manifest.main, decode=decode)}
    bundle = write_bundle(tmp_path / "d.edge", dataclasses.replace(manifest, networks=networks), bare.memory)
    lines = [line.split(maxsplit=1) for line in inspect(bundle.path).output.splitlines() if line]
    assert ["note", "expected 75.0 % (53.1 to 88.8) right"] in lines
    assert next(said[:31] for name, said in lines if name == "note") == "started from ImageNet (xxxxxxxx"
    assert ["decoder", "classify, threshold 0, temperature 1.319"] in lines


def test_what_no_decoder_fits_is_still_shown(tmp_path, onnx_graph):
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")

    data = onnx_graph(
        [helper.make_node("Relu", ["x"], ["y"])], {"x": ("float32", [1, 3, 8, 8])}, {"y": ("float32", [1, 3, 8, 8])}, {}
    )
    (tmp_path / "odd.onnx").write_bytes(data)
    result = inspect(tmp_path / "odd.onnx")
    assert result.exit_code == 0
    assert "no decoder fits its outputs y 1x3x8x8" in result.output


@pytest.mark.parametrize("name", ["x.onnx", "x.tflite", "x.edge", "x.txt"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"PK\x03\x04 not really"])
def test_garbage_is_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    result = inspect(tmp_path / name)
    assert result.exception is not None
    assert result.exception.exit_code == 2
    assert str(tmp_path / name) in str(result.exception)
    assert "\n" not in str(result.exception)


def with_operator(shared, name):
    """The shared SSD with the operator behind it renamed, which no interpreter knows then."""
    data = (shared / "models/ssd/coco_ssd_mobilenet_v1_1.0_quant.tflite").read_bytes()
    known = b"TFLite_Detection_PostProcess"
    return data.replace(known, name.ljust(len(known), b"-"))


@pytest.mark.parametrize(
    ("operator", "why"),
    [
        (b"edgetpu-custom-op", "compiled for the Edge TPU: run it with --engine tflite:edgetpu"),
        (b"FlexResizeBilinear", "TFLITE_BUILTINS alone"),
    ],
)
def test_what_no_engine_loads_is_not_shown_as_fine(shared, tmp_path, operator, why):
    (tmp_path / "odd.tflite").write_bytes(with_operator(shared, operator))
    result = inspect(tmp_path / "odd.tflite")
    assert result.exit_code == 0
    line = next(line for line in result.output.splitlines() if line.startswith("runs here"))
    assert "no: the tflite engine cannot load the model" in line
    assert why in line
    assert "runs here   yes" in inspect(shared / "models/mnist_onnx/mnist.onnx").output


def test_without_libedgetpu_the_accelerator_that_is_missing_is_named(shared, monkeypatch):
    from edgelens.runtime.engines import tflite
    from edgelens.runtime.engines.catalog import open_engine
    from edgelens.runtime.engines.protocol import EngineOptions
    from edgelens.runtime.errors import ModelError

    monkeypatch.setitem(tflite.DELEGATES, "edgetpu", "libedgetpu-that-is-not-there.so.1")
    with pytest.raises(ModelError, match=r"and edgetpu could not be started .*libedgetpu1-std"):
        open_engine("tflite", with_operator(shared, b"edgetpu-custom-op"), EngineOptions(accelerators=("edgetpu",)))


def test_a_file_that_ends_its_engine_is_one_line(monkeypatch):
    import sys

    from edgelens.runtime.model import trial

    monkeypatch.setattr(trial, "__name__", "faulthandler")  # a module that as a program ends with 0
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert "onnxruntime dies of it (exit status 1)" in trial.why_not(b"", "onnxruntime")
