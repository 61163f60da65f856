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

from edgelens.compress.assemble import processor
from edgelens.compress.config import CompressConfig
from edgelens.compress.exported import export, float_artifacts, int8_artifacts
from edgelens.compress.files import quantized_by
from edgelens.compress.gate import time_artifacts
from edgelens.compress.graph import trace
from edgelens.compress.material import material_of
from edgelens.runtime.engines.catalog import open_engine
from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.preprocess import to_tensor
from edgelens.train.run import Run


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
        material = material_of(run, config)
        graph = trace(material.network, run.pixels)
        exported = export(material.network, graph, run.pixels)
        artifacts = float_artifacts(exported) + int8_artifacts(
            exported, quantized_by(graph, material.calibration, config)
        )
        picture = material.golden.pictures[0]
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
    """A frame's bytes through the shipped file, against normalised floats through the file before the contract."""
    found = {}
    prepared = (picture[None].astype(np.float32) - 128) / 128
    plain = {"onnxruntime": exported.onnx.SerializeToString(), "tflite": exported.tflite}
    for engine, data in plain.items():
        shipped = next(a for a in artifacts if a.engine == engine and a.precision == "float32")
        with contextlib.ExitStack() as stack:
            with_pixels = stack.enter_context(open_engine(engine, shipped.data, EngineOptions()))
            without = stack.enter_context(open_engine(engine, data, EngineOptions()))
            tensor = to_tensor(picture, shipped.tensor)
            pairs = [(_ms(with_pixels, tensor), _ms(without, prepared)) for _ in range(rounds)]
        ratio = statistics.median(a / b for a, b in pairs)
        extra_us = 1e3 * statistics.median(a - b for a, b in pairs)
        found[engine] = {"ratio": ratio, "extra_us": extra_us}
    return found


def _ms(engine: Any, tensor: Any, times: int = 40) -> float:
    samples = []
    for _ in range(times):
        start = time.perf_counter()
        engine.run([tensor])
        samples.append((time.perf_counter() - start) * 1e3)
    return statistics.median(samples)


if __name__ == "__main__":
    main()
