"""The memory a model file takes: the peak of a fresh process above the same process with the engine loaded and idle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from edgelens.runtime.errors import WorkError

from ..export.artifact import Artifact
from ..host.scratch import scratch_folder

__all__ = ["memory_mb"]

_CHILD = """
import json, sys
import numpy as np
from edgelens.runtime.engines.catalog import open_engine
from edgelens.runtime.engines.protocol import EngineOptions
path, engine, threads = sys.argv[1:4]
def peak():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
if engine == "onnxruntime":
    from edgelens.runtime.engines.telemetry import kept_here
    kept_here()
    import onnxruntime
else:
    from edgelens.runtime.engines import tflite
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tflite_runtime.interpreter import Interpreter
idle = peak()
with open(path, "rb") as stream:
    model = stream.read()
with open_engine(engine, model, EngineOptions(threads=int(threads))) as loaded:
    info = loaded.inputs[0]
    tensor = np.zeros([n or 1 for n in info.shape], info.dtype)
    for _ in range(5):
        loaded.run([tensor])
print(json.dumps(peak() - idle))
"""


def memory_mb(artifact: Artifact, threads: int = 1) -> float:
    """Megabytes (of a million bytes, as budgets count them) above the idle engine, in a process of its own."""
    with scratch_folder() as folder:
        place = folder / Path(artifact.path).name
        place.write_bytes(artifact.data)
        command = [sys.executable, "-c", _CHILD, str(place), artifact.engine, str(threads)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise WorkError(f"{artifact.title}: its memory could not be measured ({done.stderr.strip()[-160:]})")
    return float(json.loads(done.stdout.strip().splitlines()[-1])) * 1024 / 1e6  # the kernel counts in KiB
