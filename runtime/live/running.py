"""A note of what runs here and where it answers, so that `edgelens status` finds it; it holds no token."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import WorkError
from ..host.owned import own_folder, read_own, write_own
from ..host.places import run_folder, run_folders

__all__ = ["Running", "note_running", "running_here"]

_MOST_NOTE_BYTES = 4096


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
        write_own(path, (json.dumps(asdict(running)) + "\n").encode())
    try:
        yield
    finally:
        with contextlib.suppress(OSError, WorkError):
            own_folder(path.parent)
            path.unlink(missing_ok=True)


def running_here() -> list[Running]:
    """What runs on this machine; notes of processes that are gone, or that others could have left, do not count."""
    notes = []
    for folder in run_folders():
        with contextlib.suppress(OSError, WorkError):
            if folder.is_dir():
                notes += [note for path in sorted(own_folder(folder).glob("*.json")) if (note := _read(path))]
    return notes


def _read(path: Path) -> Running | None:
    with contextlib.suppress(OSError, ValueError, TypeError, WorkError):
        running = Running(**json.loads(read_own(path, _MOST_NOTE_BYTES)))
        if not Path(f"/proc/{int(running.pid)}").exists():
            path.unlink()  # it was killed and could not do so itself
        elif Path(f"/proc/{running.pid}").stat().st_uid == path.stat().st_uid:
            return running
    return None
