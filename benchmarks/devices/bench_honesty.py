"""Is `bench` honest? Its median against a ten-line loop, pairs of equals, pairs 5 % apart, and its own overhead.

`python benchmarks/devices/bench_honesty.py MODEL.tflite… [--pairs 100]`; writes results/devices_bench_honesty.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgelens.devices.bench.cases import Case, Selection, cases_of
from edgelens.devices.bench.processes import measure
from edgelens.devices.bench.session import BenchPlan, bench, measure_pair
from edgelens.devices.bench.spec import MeasureSpec, Target
from edgelens.devices.here import this_machine

RESULTS = Path(__file__).resolve().parent.parent / "results" / "devices_bench_honesty.json"
BAR = {"median": 0.03, "equal_flagged": 5, "slower_found": 95, "seconds_a_pair": 6.0, "overhead_s": 1.0}  # of 100 pairs
PLAIN_LOOP = """
import sys, time, numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
given, made = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
image, times, end = np.zeros(given["shape"], given["dtype"]), [], time.perf_counter() + 2
while time.perf_counter() < end:
    start = time.perf_counter()
    interpreter.set_tensor(given["index"], image); interpreter.invoke(); interpreter.get_tensor(made["index"])
    times.append(time.perf_counter() - start)
print(np.median(times[len(times) // 4:]) * 1e3)
"""


def against_plain_loop(path: str, rounds: int = 12) -> dict[str, Any]:
    """`bench`'s median over the loop's, one after the other, a process each."""
    (case,) = cases_of(path, Selection(threads=(1,)), 1, Path())
    ratios = []
    for _ in range(rounds):
        blocks = measure(MeasureSpec(case.target))["blocks"]
        ours = float(np.median([ms for block in blocks for ms in block["samples_ms"]]))
        loop = float(subprocess.check_output([sys.executable, "-c", PLAIN_LOOP, path]))
        ratios.append(ours / loop)
    return {
        "model": Path(path).name,
        "ratio": round(float(np.median(ratios)), 4),
        "ratios": np.round(ratios, 4).tolist(),
    }


def chain(folder: Path, layers: int, channels: int = 32, side: int = 24) -> Case:
    """A network of equal layers: one of 21 takes 5 % longer than one of 20."""
    weight = numpy_helper.from_array(np.full((channels, channels, 3, 3), 1e-3, np.float32), "w")
    nodes = [helper.make_node("Conv", [f"x{i}", "w"], [f"x{i + 1}"], pads=[1] * 4) for i in range(layers)]
    shape = [1, channels, side, side]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(f"x{layers}", TensorProto.FLOAT, shape)],
        [weight],
    )
    path = folder / f"chain{layers}-{channels}-{side}.onnx"
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    )
    onnx.checker.check_model(str(path))
    return Case(str(path), path.name, "float32", "", 0, Target(str(path), "onnxruntime"), False)


def pairs(a: Case, b: Case, count: int) -> dict[str, Any]:
    """What so many measurements of a pair said."""
    start = time.perf_counter()
    found = [measure_pair(a, b, BenchPlan().pairs, 0.99) for _ in range(count)]
    widths = [ratio.high / ratio.low - 1 for ratio in found]
    return {
        "pairs": count,
        "different": sum(ratio.different for ratio in found),
        "slower": sum(ratio.different and ratio.ratio > 1 for ratio in found),
        "median_ratio": round(float(np.median([ratio.ratio for ratio in found])), 4),
        "median_interval_width": round(float(np.median(widths)), 4),
        "seconds_a_pair": round((time.perf_counter() - start) / count, 2),
    }


def overhead_s(path: str) -> float:
    """Seconds of a whole `bench` beyond its process's start, warm-up and samples."""
    start = time.perf_counter()
    report = bench([path], BenchPlan(Selection(threads=(1,)), end_to_end=False, processes=1))
    total = time.perf_counter() - start
    row = report["cases"][0]
    sampled = row["steady"]["mean"] * row["steady"]["runs"]
    return float(total - (row["cold"]["total_ms"] + row["warmup"]["ms"] + sampled) / 1e3)


def judged(models: Sequence[str], count: int) -> dict[str, Any]:
    """All four measures."""
    found: dict[str, Any] = {"against_plain_loop": [against_plain_loop(path) for path in models]}
    print(json.dumps(found), flush=True)
    found["overhead_s"] = round(float(np.median([overhead_s(models[0]) for _ in range(3)])), 3)
    print(found["overhead_s"], flush=True)
    with tempfile.TemporaryDirectory() as name:
        twenty, more = chain(Path(name), 20), chain(Path(name), 21)
        for what, other in (("equal", twenty), ("slower", more)):
            found[what] = pairs(twenty, other, count)
            print(what, json.dumps(found[what]), flush=True)
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    machine = this_machine()
    result = {
        "command": f"python benchmarks/devices/bench_honesty.py {' '.join(Path(m).name for m in options.models)}"
        f" --pairs {options.pairs}",
        "machine": {"cpu": machine.cpu, "cores": machine.cores},
        "bar": BAR,
        **judged(options.models, options.pairs),
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
