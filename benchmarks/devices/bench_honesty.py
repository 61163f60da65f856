"""Is `bench` honest? Its median against a ten-line loop, pairs of equals, pairs 5 % apart, and its own overhead.

`python benchmarks/devices/bench_honesty.py MODEL.tflite [--pairs 100]`; writes bench_honesty.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from ai_edge_litert.interpreter import Interpreter
from onnx import TensorProto, helper, numpy_helper

from edgelens.devices.bench.cases import Case, Choice, cases_of
from edgelens.devices.bench.processes import measure
from edgelens.devices.bench.session import BenchPlan, bench, measure_pair
from edgelens.devices.bench.spec import MeasureSpec, Target


def plain_loop(path: str) -> float:
    """The ten lines anybody would write."""
    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    image = np.random.default_rng(0).integers(-128, 128, detail["shape"]).astype(detail["dtype"])
    times = []
    for _ in range(3000):
        interpreter.set_tensor(detail["index"], image)
        start = time.perf_counter()
        interpreter.invoke()
        times.append(time.perf_counter() - start)
    return float(np.median(times[500:])) * 1e3


def chain(folder: Path, layers: int) -> Case:
    """A network of equal layers: one of 21 takes 5 % longer than one of 20."""
    weight = numpy_helper.from_array(np.full((32, 32, 3, 3), 1e-3, np.float32), "w")
    nodes = [helper.make_node("Conv", [f"x{i}", "w"], [f"x{i + 1}"], pads=[1] * 4) for i in range(layers)]
    shape = [1, 32, 24, 24]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(f"x{layers}", TensorProto.FLOAT, shape)],
        [weight],
    )
    path = folder / f"chain{layers}.onnx"
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    )
    onnx.checker.check_model(str(path))
    return Case(str(path), path.name, "float32", "", 0, Target(str(path), "onnxruntime"), False)


def main() -> None:
    """Measure all four and print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--pairs", type=int, default=100)
    options = parser.parse_args()
    (case,) = cases_of(options.model, Choice(threads=(1,)), 1, Path())
    against = []
    for _ in range(7):
        ours = float(np.median(measure(MeasureSpec(case.target))["samples_ms"]))
        against.append(ours / plain_loop(options.model))
    with tempfile.TemporaryDirectory() as name:
        twenty, more = chain(Path(name), 20), chain(Path(name), 21)
        start = time.perf_counter()
        equal = [measure_pair(twenty, twenty, 8, 0.99) for _ in range(options.pairs)]
        seconds = (time.perf_counter() - start) / options.pairs
        slower = [measure_pair(twenty, more, 8, 0.99) for _ in range(options.pairs)]
    start = time.perf_counter()
    report = bench([options.model], BenchPlan(Choice(threads=(1,)), end_to_end=False))
    total = time.perf_counter() - start
    row = report["cases"][0]
    spent = (
        row["cold"]["total_ms"] / 1e3 + row["warmup"]["ms"] / 1e3 + row["steady"]["mean"] * row["steady"]["runs"] / 1e3
    )
    result = {
        "median_against_plain_loop": round(float(np.median(against)), 4),
        "pairs": options.pairs,
        "equal_flagged": sum(ratio.different for ratio in equal),
        "slower_found": sum(ratio.different and ratio.ratio > 1 for ratio in slower),
        "slower_ratio": round(float(np.median([ratio.ratio for ratio in slower])), 4),
        "seconds_a_pair": round(seconds, 2),
        "overhead_s": round(total - spent, 3),
        "device": report["device"]["model"],
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
