"""Where inside the model the time goes, as far as an engine tells."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgelens.runtime.engines.onnxruntime import OnnxRuntimeEngine
from edgelens.runtime.engines.protocol import EngineOptions

from .inputs import random_inputs

__all__ = ["profile_operators"]

_RUNS = 30


def profile_operators(engine: str, model: bytes, threads: int, shape: Sequence[int]) -> dict[str, Any]:
    """Each operator's name, kind, mean milliseconds and share; TFLite's Python wheels have no profiler to ask."""
    if engine != "onnxruntime":
        return {"error": "the tflite wheel gives no operator profile; `bench --predict` estimates one"}
    with tempfile.TemporaryDirectory() as folder:
        events = _onnxruntime_events(model, threads, shape, Path(folder))
    kernels = [event for event in events if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")]
    total: dict[tuple[str, str], float] = {}
    for event in kernels:
        key = (event["name"].removesuffix("_kernel_time"), event["args"].get("op_name", "?"))
        total[key] = total.get(key, 0.0) + event["dur"] / 1e3
    whole = sum(total.values()) or 1.0
    rows = [
        {"name": name, "kind": kind, "ms": round(ms / _RUNS, 6), "share": round(ms / whole, 4)}
        for (name, kind), ms in sorted(total.items(), key=lambda item: -item[1])
    ]
    return {"runs": _RUNS, "sum_ms": round(whole / _RUNS, 6), "rows": rows}


def _onnxruntime_events(model: bytes, threads: int, shape: Sequence[int], folder: Path) -> list[dict[str, Any]]:
    import onnxruntime as ort

    settings = ort.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = threads
    settings.enable_profiling = True
    settings.profile_file_prefix = str(folder / "profile")
    session = ort.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    with OnnxRuntimeEngine(model, EngineOptions(threads=threads)) as engine:
        inputs = random_inputs(engine.inputs, shape)
    feed = dict(zip([value.name for value in session.get_inputs()], inputs, strict=True))
    for _ in range(5):
        session.run(None, feed)
    for _ in range(_RUNS):
        session.run(None, feed)
    events: list[dict[str, Any]] = json.loads(Path(session.end_profiling()).read_text())
    return _last_runs(events)


def _last_runs(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of the last runs: the first ones warm up."""
    starts = [event["ts"] for event in events if event["name"] == "model_run"]
    if len(starts) < _RUNS:
        return events
    since = sorted(starts)[-_RUNS]
    return [event for event in events if event["ts"] >= since]
