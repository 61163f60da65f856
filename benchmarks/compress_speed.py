"""8 bits against float in each engine, and the pixel contract against the same network fed prepared tensors.

python benchmarks/compress_speed.py runs/resnet8 runs/mobilenet
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from onnx import TensorProto, helper, numpy_helper

from edgelens.compress.bundle.assemble import processor
from edgelens.compress.config import CompressConfig
from edgelens.compress.export import tflite
from edgelens.compress.export.exported import export, float_artifacts
from edgelens.compress.files.int8 import int8_artifacts
from edgelens.compress.files.model_files import quantized_by
from edgelens.compress.ingredients import ingredients_of
from edgelens.compress.network.graph import trace
from edgelens.compress.timing.timing import time_artifacts
from edgelens.runtime.engines.catalog import open_engine
from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.preprocess import to_tensor
from edgelens.train.runs.run import Run

OPENINGS = 6  # where an engine's memory happens to lie makes 10 µs of difference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", default=str(Path(__file__).parent / "results" / "compress_speed.json"))
    options = parser.parse_args()
    results: dict[str, Any] = {"processor": processor()}
    for path in options.runs:
        run = Run.open(path)
        config = CompressConfig()
        made_of = ingredients_of(run, config)
        graph = trace(made_of.network, run.pixels)
        exported = export(made_of.network, graph, run.pixels, outputs=made_of.task.outputs)
        artifacts = float_artifacts(exported) + int8_artifacts(
            exported, quantized_by(graph, made_of.calibration, config, made_of.task.outputs)
        )
        picture = made_of.golden.pictures[0]
        timings = time_artifacts(artifacts, picture, rounds=options.rounds)
        row: dict[str, Any] = {
            "model": run.config.model,
            "p50_ms": {a.title: timings[a.path].p50_ms for a in artifacts},
        }
        for engine in ("onnxruntime", "tflite"):
            pair = {a.precision: timings[a.path] for a in artifacts if a.engine == engine}
            row[f"{engine} speed-up"] = pair["float32"].ratio(pair["int8"])
        row["pixels against prepared floats"] = contract_cost(exported, artifacts, picture, options.rounds)
        results[Path(path).name] = row
        print(json.dumps({Path(path).name: row}, indent=1))
    Path(options.json).write_text(json.dumps(results, indent=1) + "\n")


def contract_cost(exported: Any, artifacts: list[Any], picture: Any, rounds: int) -> dict[str, dict[str, float]]:
    """A frame's bytes through each shipped file, against the same network fed normalised floats."""
    found = {}
    prepared = (picture[None].astype(np.float32) - 128) / 128
    for artifact in artifacts:
        pairs: list[tuple[float, float]] = []
        tensor, floats = to_tensor(picture, artifact.tensor), fed_floats(artifact, exported)
        for _ in range(OPENINGS):
            with contextlib.ExitStack() as stack:
                shipped = stack.enter_context(open_engine(artifact.engine, artifact.data, EngineOptions()))
                twin = stack.enter_context(open_engine(artifact.engine, floats, EngineOptions()))
                pairs += [(_ms(shipped, tensor), _ms(twin, prepared)) for _ in range(rounds // OPENINGS)]
        found[artifact.title] = {
            "ratio": statistics.median(a / b for a, b in pairs),
            "extra_us": 1e3 * statistics.median(a - b for a, b in pairs),
        }
    return found


def fed_floats(artifact: Any, exported: Any) -> bytes:
    """The same network without the contract: what its float export takes, quantized by the file where it is 8 bits."""
    if artifact.precision == "float32":
        return bytes(exported.onnx.SerializeToString() if artifact.engine == "onnxruntime" else exported.tflite)
    return quantizing_onnx(artifact.data) if artifact.engine == "onnxruntime" else quantizing_tflite(artifact.data)


def quantizing_onnx(data: bytes) -> bytes:
    """An 8-bit ONNX file that takes floats: a QuantizeLinear before everything."""
    model = onnx.load_from_string(data)
    graph = model.graph
    entry = graph.input[0]
    constants = {"pixels_scale": np.array(1 / 128, np.float32), "pixels_zero": np.array(128, np.uint8)}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    graph.node.insert(0, helper.make_node("QuantizeLinear", ["prepared", *constants], [entry.name]))
    shape = [axis.dim_value for axis in entry.type.tensor_type.shape.dim]
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info("prepared", TensorProto.FLOAT, shape))
    return bytes(model.SerializeToString())


def quantizing_tflite(data: bytes) -> bytes:
    """An 8-bit TFLite file that takes floats: a QUANTIZE before everything."""
    model = tflite.read_model(data)
    graph = model.subgraphs[0]
    floats, code, first = schema.TensorT(), schema.OperatorCodeT(), schema.OperatorT()
    floats.name, floats.shape, floats.type = b"prepared", graph.tensors[graph.inputs[0]].shape, tflite.FLOAT32
    floats.hasRank, floats.buffer = True, 0
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
    code.version, first.opcodeIndex = 1, len(model.operatorCodes)
    first.inputs, first.outputs = np.array([len(graph.tensors)], np.int32), np.array(graph.inputs, np.int32)
    model.operatorCodes.append(code)
    graph.tensors.append(floats)
    graph.operators = [first, *graph.operators]
    graph.inputs, model.signatureDefs = [len(graph.tensors) - 1], []
    return tflite.write_model(model)


def _ms(engine: Any, tensor: Any, times: int = 40) -> float:
    samples = []
    for _ in range(times):
        start = time.perf_counter()
        engine.run([tensor])
        samples.append((time.perf_counter() - start) * 1e3)
    return statistics.median(samples)


if __name__ == "__main__":
    main()
