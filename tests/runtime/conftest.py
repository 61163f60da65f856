"""Small real models, built once: a classifier whose answer is known, in the formats the kit runs."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.manifest import Decode, Golden, Manifest, ModelFile, Network, Output
from edgelens.runtime.preprocess import PixelContract, TensorContract


@pytest.fixture(autouse=True)
def _no_memory_of_earlier_runs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `--engine auto` remembers goes to the tests' own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


# scripted sources and test cameras are modules of their own: benchmarks use the cameras too
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "servers")]


def build_onnx(
    nodes: list[Any],
    inputs: dict[str, tuple[str, list[Any]]],
    outputs: dict[str, tuple[str, list[Any]]],
    weights: dict[str, np.ndarray],
    metadata: dict[str, str] | None = None,
    opset: int = 17,
) -> bytes:
    """An ONNX graph's bytes from its nodes, {name: (dtype, shape)} of inputs and outputs, and weights."""
    onnx = pytest.importorskip("onnx", reason="the onnx package builds the models of this test")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    types = {"float32": onnx.TensorProto.FLOAT, "uint8": onnx.TensorProto.UINT8, "int8": onnx.TensorProto.INT8}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(n, types[t], s) for n, (t, s) in inputs.items()],
        [helper.make_tensor_value_info(n, types[t], s) for n, (t, s) in outputs.items()],
        [numpy_helper.from_array(a, n) for n, a in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    for key, value in (metadata or {}).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    return model.SerializeToString()


@pytest.fixture(scope="session")
def onnx_graph() -> Callable[..., bytes]:
    """`build_onnx`, for tests that need a graph of their own."""
    return build_onnx


def color_model(*, scale: float = 1.0, softmax: bool = False, bias: float = 0.0) -> bytes:
    """Tells red, green and blue pictures (1, 16, 16, 3) uint8 apart by the mean of each channel, as logits / 16."""
    helper = pytest.importorskip("onnx", reason="the onnx package builds the models of this test").helper
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=1),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "bias"], ["logits"]),
    ]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["logits"], ["scores"], axis=-1))
    return build_onnx(
        nodes,
        {"image": ("uint8", ["N", 16, 16, 3])},
        {"scores" if softmax else "logits": ("float32", ["N", 3])},
        {"scale": np.array([scale / 16], np.float32), "bias": np.array([bias, 0, 0], np.float32)},
    )


@pytest.fixture(scope="session")
def color_onnx() -> Callable[..., bytes]:
    """`color_model`, the network of `color_bundle`."""
    return color_model


def color_frames(count: int = 6, seed: int = 0) -> list[np.ndarray]:
    """Noisy BGR pictures whose largest channel goes round: red, green, blue, red, ..."""
    rng = np.random.default_rng(seed)
    frames = []
    for i in range(count):
        frame = rng.integers(0, 120, (40, 60, 3), np.uint8)
        frame[..., 2 - i % 3] += np.uint8(100)
        frames.append(frame)
    return frames


def make_color_bundle(path: Path, models: dict[str, bytes] | None = None, **file_fields: Any) -> Bundle:
    """A bundle of the colour network with golden frames; `models` are entries and their bytes."""
    from edgelens.runtime.preprocess import fit

    models = models or {"models/color.onnx": color_model()}
    files = tuple(
        ModelFile(entry, "onnxruntime", "float32", TensorContract("image"), **file_fields) for entry in models
    )
    network = Network(
        "classify", ("red", "green", "blue"), PixelContract(16, 16), (Output("logits", (3,)),), Decode(), files
    )
    frames = {f"golden/{i}.png": cv2.imencode(".png", frame)[1].tobytes() for i, frame in enumerate(color_frames())}
    reference = []
    for frame in color_frames():
        pixels, _ = fit(frame, network.pixels)
        reference.append(pixels.reshape(-1, 3).mean(axis=0, dtype=np.float64).astype(np.float32) / 16)
    buffer = io.BytesIO()
    np.savez(buffer, logits=np.stack(reference))
    entries = {**models, **frames, "golden/reference.npz": buffer.getvalue(), "card.json": b"{}\n"}
    golden = Golden("main", tuple(frames), "golden/reference.npz")
    return write_bundle(path, Manifest("color", {"main": network}, golden=(golden,)), entries)


@pytest.fixture
def color_bundle(tmp_path: Path) -> Bundle:
    """A bundle that tells red, green and blue pictures apart, with golden frames."""
    return make_color_bundle(tmp_path / "color.edge")


@pytest.fixture
def write_color_bundle(tmp_path: Path) -> Callable[..., Bundle]:
    """`make_color_bundle` in the test's folder: (models, **fields of their manifest entries)."""
    return lambda models=None, **fields: make_color_bundle(tmp_path / "color.edge", models, **fields)


@pytest.fixture(scope="session")
def frames_of_colors() -> list[np.ndarray]:
    """Six BGR pictures: red, green, blue, red, green, blue."""
    return color_frames()
