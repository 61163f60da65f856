"""onnxruntime tells nobody what a device runs."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys
import numpy as np
from edgelens import Recognizer
with Recognizer(sys.argv[1], engine="onnxruntime") as recognizer:
    recognizer(np.zeros((40, 40, 3), np.uint8))
"""


@pytest.mark.parametrize("words", [["-m", "edgelens", "verify"], ["-c", PROGRAM]], ids=["command line", "Python"])
def test_a_model_that_runs_leaves_no_trace_of_telemetry(words: list[str], tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="it is what would tell")
    known = ("CI", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY")  # where telemetry is off by itself
    env = {name: value for name, value in os.environ.items() if name not in known}
    env |= {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / ".cache")}
    done = subprocess.run([sys.executable, *words, "digits"], capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 0, done.stderr
    left = [path.name for path in tmp_path.rglob("*") if path.name in (".ses", "Microsoft", "deviceid")]
    assert left == []


def test_it_is_said_before_every_import() -> None:
    files = [path for folder in ("runtime", "devices", "compress", "train", "edgelens/cli")
             for path in (ROOT / folder).rglob("*.py")]  # fmt: skip
    importing = [path for path in files if any("onnxruntime" in line for line in _imports(path))]
    assert len(importing) > 5
    assert [str(path) for path in importing if "    kept_here()\n" not in path.read_text()] == []


def _imports(path: Path) -> Iterator[str]:
    """The packages that a file imports whole or in part."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]
