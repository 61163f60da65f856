"""Starting measuring processes and reading their answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

from edgelens.runtime.errors import WorkError

from .spec import MeasureSpec, PairSpec, to_json

__all__ = ["measure"]


def measure(spec: MeasureSpec | PairSpec, timeout_s: float = 600.0) -> dict[str, Any]:
    """What a fresh process measured; a process that dies or hangs is a WorkError with its last line."""
    if isinstance(spec, MeasureSpec):
        spec = replace(spec, spawned_s=time.monotonic())
    command = [sys.executable, "-m", "edgelens.devices.bench.child"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(_threads(spec))}
    try:
        done = subprocess.run(
            command,
            input=to_json(spec) + "\n",
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise WorkError(f"a measurement took more than {timeout_s:.0f} s and was stopped") from None
    last = done.stdout.strip().splitlines()[-1:] or [""]
    try:
        answer: dict[str, Any] = json.loads(last[0])
    except ValueError:
        said = done.stderr.strip().splitlines()[-1:] or [f"no word, exit status {done.returncode}"]
        raise WorkError(f"a measuring process died: {said[0][:300]}") from None
    return answer


def _threads(spec: MeasureSpec | PairSpec) -> int:
    return spec.target.threads if isinstance(spec, MeasureSpec) else max(spec.a.threads, spec.b.threads)
