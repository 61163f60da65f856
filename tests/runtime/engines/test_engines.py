"""Engines: one protocol, silence, free axes, quantization, accelerators with a fallback that is said."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from edgelens.runtime.engines.catalog import open_engine
from edgelens.runtime.engines.choice import split_engine
from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.engines.silence import silenced
from edgelens.runtime.errors import ModelError, UsageError
from edgelens.runtime.formats.tensor import TensorInfo, dequantized


@pytest.fixture(params=["onnxruntime", "tflite"])
def model(request, shared):
    name = {"onnxruntime": "mnist_onnx/mnist.onnx", "tflite": "mlperf_tiny/vww_96_float.tflite"}[request.param]
    return request.param, (shared / "models" / name).read_bytes()


def picture(engine):
    shape = [axis or 1 for axis in engine.inputs[0].shape]
    return np.random.default_rng(0).random(shape).astype(engine.inputs[0].dtype)


def test_the_protocol(model):
    name, data = model
    with open_engine(name, data) as engine:
        assert engine.name == name
        assert len(engine.inputs) == 1
        first, again = (engine.run([picture(engine)])[0].copy() for _ in range(2))
        assert first.shape[1] == engine.outputs[0].shape[1]
        assert (first == again).all()
        other = engine.run([picture(engine) * 0.5])[0]
        assert not np.array_equal(first, other)
        assert engine.notes == ()


@pytest.mark.parametrize("channels", [True, False])
def test_weights_of_8_bits_that_name_no_zero_points(channels):
    """They are zeros then; onnxruntime made one of all where it made weights unsigned, and failed as it ran."""
    reason = "the onnx package builds the model of this test"
    helper = pytest.importorskip("onnx.helper", reason=reason)
    numpy_helper = pytest.importorskip("onnx.numpy_helper", reason=reason)
    counts = np.random.default_rng(0).integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    scales = np.array([0.01, 0.02, 0.03, 0.04] if channels else 0.01, np.float32)
    nodes = [
        helper.make_node("DequantizeLinear", ["counts", "scales"], ["weights"], axis=0),
        helper.make_node("Conv", ["x", "weights"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, 1, shape) for name, shape in (("x", [1, 3, 8, 8]), ("y", [1, 4, 6, 6]))]
    stored = [numpy_helper.from_array(counts, "counts"), numpy_helper.from_array(scales, "scales")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    with open_engine("onnxruntime", model) as engine:
        x = np.random.default_rng(1).random((1, 3, 8, 8), np.float32)
        found = engine.run([x])[0]
    weights = counts * scales.reshape(-1, 1, 1, 1)
    patches = np.lib.stride_tricks.sliding_window_view(x[0], (3, 3), axis=(1, 2))  # (C, H, W, 3, 3)
    np.testing.assert_allclose(found[0], np.einsum("chwij,ocij->ohw", patches, weights), rtol=1e-4, atol=1e-4)


def test_threads_change_nothing_but_time(model):
    name, data = model
    results = []
    for threads in (1, 2):
        with open_engine(name, data, EngineOptions(threads=threads)) as engine:
            results.append(engine.run([picture(engine)])[0].copy())
    assert results[0] == pytest.approx(results[1], abs=1e-5)


def test_broken_models_and_wrong_pictures_are_one_line(model):
    name, data = model
    for bad in (b"", b"garbage", data[: len(data) // 2]):
        with pytest.raises(ModelError) as caught:
            open_engine(name, bad)
        assert "\n" not in str(caught.value)
    with open_engine(name, data) as engine, pytest.raises(ModelError, match="could not run") as caught:
        engine.run([np.zeros((1, 5, 5, 2), np.float32)])
    assert "\n" not in str(caught.value)


def test_accelerators_that_are_not_there_are_said(model):
    name, data = model
    asked = {"onnxruntime": "cuda", "tflite": "edgetpu"}[name]
    with open_engine(name, data, EngineOptions(accelerators=(asked,))) as engine:
        if not engine.notes:
            pytest.skip(f"{asked} is here")
        assert asked in engine.notes[0]
        assert "the CPU does its work" in engine.notes[0]
        assert np.isfinite(engine.run([picture(engine)])[0]).all()
    with pytest.raises(ModelError, match="no accelerator called 'warp'"):
        open_engine(name, data, EngineOptions(accelerators=("warp",)))


def test_engine_and_accelerators_as_one_word():
    assert split_engine("auto") == ("auto", ())
    assert split_engine("onnxruntime:tensorrt, CUDA") == ("onnxruntime", ("tensorrt", "cuda"))
    for bad in ("torch", "auto:cuda", ""):
        with pytest.raises(UsageError, match="--engine"):
            split_engine(bad)


def test_free_axes_take_the_size_they_get(shared, onnx_graph):
    data = (shared / "models/mlperf_tiny/vww_96_float.tflite").read_bytes()
    with open_engine("tflite", data) as engine:
        assert engine.inputs[0].shape[0] is None
        one = picture(engine)
        both = engine.run([np.concatenate([one, one * 0.5])])[0].copy()
        assert both.shape == (2, 2)
        assert engine.run([one])[0] == pytest.approx(both[:1], abs=1e-5)


def test_quantized_outputs_are_scaled_once():
    info = TensorInfo("y", (1, 2), "int8", scale=0.5, zero_point=-128)
    assert dequantized(np.array([[-128, 0]], np.int8), info) == pytest.approx(np.array([[0, 64]]))
    plain = np.array([1.5], np.float32)
    assert dequantized(plain, TensorInfo("y", (1,), "float32")) is plain


def test_loading_is_silent_in_a_fresh_process(model, tmp_path):
    name, data = model
    (tmp_path / "m").write_bytes(data)
    code = (
        "import sys; from pathlib import Path; from edgelens.runtime.engines.catalog import open_engine\n"
        "print('mine', file=sys.stderr)\n"
        "open_engine(sys.argv[1], Path(sys.argv[2]).read_bytes())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, name, tmp_path / "m"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "mine\n")


def test_what_others_print_meanwhile_comes_through(capfd):
    import os

    with silenced():
        os.write(2, b"INFO: chatter\nkernel panic in the coffee machine\n")
    assert capfd.readouterr().err == "kernel panic in the coffee machine\n"


def test_the_older_tflite_runtime_serves_where_litert_is_not(shared):
    """In a Python of its own, since the old package needs numpy 1: EDGELENS_TFLITE_RUNTIME_PYTHON names it."""
    import os

    python = os.environ.get("EDGELENS_TFLITE_RUNTIME_PYTHON")
    if not python:
        pytest.skip("EDGELENS_TFLITE_RUNTIME_PYTHON names no Python with tflite-runtime")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import numpy as np; from pathlib import Path; from edgelens.runtime.engines.catalog import open_engine\n"
        "engine = open_engine('tflite', Path(sys.argv[2]).read_bytes())\n"
        "print(engine.run([np.zeros((1, 96, 96, 3), np.int8)])[0].shape, 'ai_edge_litert' in sys.modules)\n"
    )
    import edgelens

    root = os.path.dirname(os.path.dirname(edgelens.__file__))
    model = shared / "models/mlperf_tiny/vww_96_int8.tflite"
    done = subprocess.run([python, "-c", code, root, model], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "(1, 2) False\n", "")
