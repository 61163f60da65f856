"""Whether this machine's engine takes a model file, tried in a process of its own: damaged files can end it."""

from __future__ import annotations

import subprocess
import sys

from ..engines.catalog import ENGINES, available, open_engine
from ..errors import EdgelensError

__all__ = ["why_not"]

_PATIENCE_S = 120


def why_not(data: bytes, engine: str) -> str:
    """Why the engine does not load a model, in words for people; empty where it does."""
    if not available(engine):
        return f"the engine {engine} is not installed here: pip install {ENGINES[engine].package}"
    command = [sys.executable, "-m", __name__, engine]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=_PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return f"{engine} did not load it within {_PATIENCE_S} s"
    except OSError as error:
        return f"{engine} could not be started to try it ({error.strerror or error})"
    said = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode and not said:
        return f"{engine} dies of it (exit status {done.returncode}): the file is damaged, or not meant for it"
    return said


def _tried() -> None:
    """In the process of its own: load the model that comes over the standard input, and print why it does not load."""
    try:
        with open_engine(sys.argv[1], sys.stdin.buffer.read()):
            pass
    except EdgelensError as error:
        print(error)  # what the other process reads
        sys.exit(1)


if __name__ == "__main__":
    _tried()
