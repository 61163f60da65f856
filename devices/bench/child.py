"""One measurement in a process of its own: `python -m edgelens.devices.bench.child`, a spec on stdin, JSON on stdout.

Nothing is imported before the clock runs that the engine does not need, so that cold start and memory are the
engine's own; OpenCV comes in only for the whole way from a frame.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Read a spec, measure, answer with one JSON object; what went wrong is `{"error": …}`."""
    started = time.monotonic()
    from edgelens.runtime.errors import EdgelensError

    values = json.loads(sys.stdin.readline())
    try:
        answer = _pair(values) if values["what"] == "pair" else _measure(values, started)
    except EdgelensError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": "out of memory"}
    sys.stdout.write(json.dumps(answer) + "\n")


def _measure(values: dict[str, Any], started: float) -> dict[str, Any]:
    from .occupation import Occupation
    from .spec import spec_from_json

    occupation = Occupation()  # over the whole life: the kernel counts in hundredths of a second
    spec = spec_from_json(values)
    importing = time.monotonic()
    _import_engine(spec.target.engine)
    imported = time.monotonic()
    model = Path(spec.target.path).read_bytes()
    run = _loaded(spec.target, model)
    loaded = time.monotonic()
    run()
    first, start_cpu_s = time.monotonic(), time.process_time()
    cold = {
        "start_ms": (started - spec.spawned_s) * 1e3,
        "import_ms": (imported - importing) * 1e3,
        "load_ms": (loaded - imported) * 1e3,
        "first_ms": (first - loaded) * 1e3,
        "total_ms": (first - spec.spawned_s) * 1e3,
    }
    from .timing import sample_blocks, warm_up

    # a run that takes longer than all of it was asked for has warmed the model up as well as it will be
    runs, settled = warm_up(run, 0 if first - loaded > spec.duration_s else min(spec.warmup_s, 4 * spec.duration_s))
    warmed = time.monotonic()
    blocks = sample_blocks(run, spec.duration_s, spec.most_runs)
    answer: dict[str, Any] = {
        "cold": cold,
        "start_cpu_s": start_cpu_s,
        "warmup": {"runs": runs, "settled": settled or runs == 0, "ms": (warmed - first) * 1e3},
        "window": [warmed, time.monotonic()],
        "blocks": [asdict(block) for block in blocks],
        "occupied": asdict(occupation.so_far()),
        "memory_mb": _peak_mb(),
    }
    if spec.operators:
        from .operators import profile_operators

        seconds = max(spec.duration_s, 0.05)
        answer["operators"] = profile_operators(spec.target, model, seconds)
    if spec.end_to_end is not None:
        from .end_to_end import measure_end_to_end

        answer["end_to_end"] = measure_end_to_end(spec.end_to_end, spec.target)
        answer["end_to_end"]["memory_mb"] = _peak_mb()
    return answer


def _pair(values: dict[str, Any]) -> dict[str, Any]:
    import random

    from .spec import pair_from_json
    from .timing import alternate

    spec = pair_from_json(values)
    rng = random.Random(spec.seed)
    models = {target.path: Path(target.path).read_bytes() for target in (spec.a, spec.b)}
    ratios: list[float] = []
    gaps: list[bytearray] = []
    loaded: dict[str, Callable[[], object]] = {}
    for _ in range(spec.loads):
        gaps.append(bytearray(rng.randrange(1 << 16)))
        before, loaded = loaded, {}  # stays until the next is there, which so comes to lie elsewhere
        for which in rng.sample("ab", 2):
            target = spec.a if which == "a" else spec.b
            loaded[which] = _loaded(target, models[target.path])
        del before
        ratios.append(alternate(loaded["a"], loaded["b"], spec.duration_s, b_first=rng.random() < 0.5))
    return {"ratios": ratios}


def _import_engine(name: str) -> None:
    import importlib

    for package in {"onnxruntime": ("onnxruntime",)}.get(
        name, ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")
    ):
        try:
            importlib.import_module(package)
        except ImportError:
            continue
        return


def _loaded(target: Any, model: bytes) -> Callable[[], object]:
    from edgelens.runtime.engines.catalog import open_engine
    from edgelens.runtime.engines.protocol import EngineOptions

    from .inputs import random_inputs

    engine = open_engine(target.engine, model, EngineOptions(threads=target.threads, spin=True))
    inputs = random_inputs(engine.inputs, target.shape)
    return lambda: engine.run(inputs)


def _peak_mb() -> float | None:
    """The most memory this process ever held; getrusage would count the parent's, from before exec."""
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        return None
    peaks = [line.split()[1] for line in text.splitlines() if line.startswith("VmHWM")]
    return int(peaks[0]) / 1024 if peaks else None


if __name__ == "__main__":
    main()
