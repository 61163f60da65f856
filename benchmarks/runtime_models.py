"""Networks of a wanted speed for the loop's benchmarks, built here so that nothing has to be fetched."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE, CHANNELS = 96, 32


def conv_model(path: Path, layers: int) -> None:
    """A classifier of equal 3 x 3 convolutions: float (1, 3, 96, 96) of 0 to 255 in, 4 logits out."""
    rng = np.random.default_rng(0)
    nodes, weights, last, channels = [], [], "image", 3
    for layer in range(layers):
        kernel = rng.normal(0, 1 / (9 * channels) ** 0.5, (CHANNELS, channels, 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, f"w{layer}"))
        strides = [2, 2] if layer == 0 else [1, 1]
        nodes.append(helper.make_node("Conv", [last, f"w{layer}"], [f"c{layer}"], pads=[1, 1, 1, 1], strides=strides))
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]))
        last, channels = f"r{layer}", CHANNELS
    weights.append(numpy_helper.from_array(rng.normal(0, 1, (CHANNELS, 4)).astype(np.float32), "dense"))
    nodes += [
        helper.make_node("ReduceMean", [last], ["pooled"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["pooled", "dense"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "conv",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 4])],
        weights,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def model_of(path: Path, milliseconds: float) -> Path:
    """A model file that takes about so many milliseconds here on one thread; its number of layers is measured."""
    conv_model(path, 8)
    one, base = _run_ms(path), 8
    layers = max(round(base * milliseconds / one), 2)
    conv_model(path, layers)
    return path


def _run_ms(path: Path) -> float:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    picture = np.zeros((1, 3, SIDE, SIDE), np.float32)
    times = []
    for _ in range(40):
        start = time.perf_counter()
        session.run(None, {"image": picture})
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3
