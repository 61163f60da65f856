"""A note of what runs here and where it answers, so that `edgelens status` finds it; it holds no token."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import WorkError
from ..host.files import write_text
from ..host.places import run_folder, run_folders

__all__ = ["Running", "note_running", "running_here"]


@dataclass(frozen=True)
class Running:
    """One process that answers."""

    pid: int
    url: str | None = None  # on this machine
    token_file: str | None = None
    socket: str | None = None  # of a run without a page


@contextlib.contextmanager
def note_running(running: Running) -> Iterator[None]:
    """The note is there while this is entered; a place that cannot be written to only costs `status` its answer."""
    port = (running.url or ":0").rstrip("/").rpartition(":")[2]
    path = run_folder() / f"{running.pid}-{port}.json"
    with contextlib.suppress(OSError, WorkError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_text(path, json.dumps(asdict(running)) + "\n")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def running_here() -> list[Running]:
    """What runs on this machine; notes of processes that are gone, or that others could have left, do not count."""
    found = []
    for folder in run_folders():
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
            with contextlib.suppress(OSError, ValueError, TypeError):
                status = path.stat()
                if status.st_uid not in (0, os.getuid()) or status.st_mode & stat.S_IWOTH:
                    continue
                running = Running(**json.loads(path.read_text()))
                if Path(f"/proc/{running.pid}").exists():
                    found.append(running)
                else:
                    path.unlink()  # it was killed and could not do so itself
    return found
