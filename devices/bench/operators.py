"""Where inside the model the time goes, as far as an engine tells."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from edgelens.runtime.engines.onnxruntime import OnnxRuntimeEngine, open_session
from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.engines.telemetry import kept_here

from .graph_names import names_in_order
from .inputs import random_inputs
from .spec import Target

__all__ = ["profile_operators"]

_MOST_RUNS = 30


def profile_operators(target: Target, model: bytes, seconds: float) -> dict[str, Any]:
    """Each operator's name, kind, median milliseconds and share; TFLite's Python wheels have no profiler to ask."""
    if target.engine != "onnxruntime":
        return {"error": "tflite's Python package gives no profile of operators"}
    with tempfile.TemporaryDirectory() as folder:
        runs = _onnxruntime_runs(model, target, seconds, Path(folder))
        if not runs:
            return {"error": "onnxruntime's profile of this model is empty"}
        told = [(e["args"].get("op_name", "?"), e["name"].removesuffix("_kernel_time")) for e in runs[0]]
        names = names_in_order(model, (Path(folder) / "optimized.onnx").read_bytes(), told)
    usual = [statistics.median(run[i]["dur"] for run in runs) / 1e3 for i in range(len(names))]
    whole = sum(usual) or 1.0
    rows = [
        {"name": names[i], "kind": told[i][0], "ms": round(usual[i], 6), "share": round(usual[i] / whole, 4)}
        for i in sorted(range(len(names)), key=lambda i: -usual[i])
    ]
    return {"runs": len(runs), "sum_ms": round(whole, 6), "rows": rows}


def _onnxruntime_runs(model: bytes, target: Target, seconds: float, folder: Path) -> list[list[dict[str, Any]]]:
    """The operators' events of each run, in the order they ran."""
    kept_here()
    import onnxruntime as ort

    def profiling() -> Any:
        settings = ort.SessionOptions()
        settings.log_severity_level = 4
        settings.intra_op_num_threads = target.threads
        settings.enable_profiling = True
        settings.profile_file_prefix = str(folder / "profile")
        settings.optimized_model_filepath = str(folder / "optimized.onnx")
        return settings

    session, _ = open_session(model, profiling, [("CPUExecutionProvider", {})])
    with OnnxRuntimeEngine(model, EngineOptions(threads=target.threads)) as engine:
        inputs = random_inputs(engine.inputs, target.shape)
    feed = dict(zip([value.name for value in session.get_inputs()], inputs, strict=True))
    end, count = time.perf_counter() + seconds, 0
    while count < 2 or (count < _MOST_RUNS and time.perf_counter() < end):
        session.run(None, feed)
        count += 1
    events: list[dict[str, Any]] = json.loads(Path(session.end_profiling()).read_text())
    return _by_run(events)[1:]  # the first one warms up


def _by_run(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    kernels = sorted(
        (e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")), key=lambda e: e["ts"]
    )
    starts = sorted(event["ts"] for event in events if event["name"] == "model_run")
    runs: list[list[dict[str, Any]]] = [[] for _ in starts]
    for event in kernels:
        at = sum(start <= event["ts"] for start in starts) - 1
        if at >= 0:
            runs[at].append(event)
    length = max(map(len, runs), default=0)
    return [run for run in runs if run and len(run) == length]
