"""The machine around a run, for whoever asks how it is: its disks, and what was deployed on it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Disk", "Machine", "MachineFacts", "SlotFacts"]

FRESH_S = 5.0
PATIENCE_S = 0.1  # a disk that hangs (a network's) costs who asks no more


@dataclass(frozen=True)
class Disk:
    """One file system that the run writes to."""

    path: str
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class SlotFacts:
    """One of the device's slots: a bundle that was deployed and verified there."""

    slot: str
    current: bool
    bundle: str
    version: int
    sha256: str


@dataclass(frozen=True)
class MachineFacts:
    """One look at the machine."""

    disks: tuple[Disk, ...] = ()
    slots: tuple[SlotFacts, ...] = ()


class Machine:
    """Looks on a thread of its own, so that nobody who asks is held up; constructing it starts nothing."""

    def __init__(
        self,
        device: str = "",
        places: Sequence[Path] = (),
        slots: Callable[[], Sequence[SlotFacts]] = tuple,
    ) -> None:
        self.device, self._places, self._slots = device, tuple(places), slots
        self._facts, self._looked = MachineFacts(), float("-inf")
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def facts(self) -> MachineFacts:
        """What was seen last, a few seconds ago at most unless a disk hangs."""
        with self._lock:
            looking = self._thread is not None and self._thread.is_alive()
            if not looking and time.monotonic() - self._looked > FRESH_S:
                self._thread = threading.Thread(target=self._look, name="edgelens-disks", daemon=True)
                self._thread.start()
                self._thread.join(PATIENCE_S)
            return self._facts

    def _look(self) -> None:
        slots: tuple[SlotFacts, ...] = ()
        with contextlib.suppress(OSError):
            slots = tuple(self._slots())
        self._facts = MachineFacts(_disks(self._places), slots)
        self._looked = time.monotonic()


def _disks(places: Sequence[Path]) -> tuple[Disk, ...]:
    """The file systems that these places are on, each once; a place that is not there yet is on its parent's."""
    disks: dict[int, Disk] = {}
    for place in places:
        there = next((path for path in (place.absolute(), *place.absolute().parents) if path.exists()), None)
        if there is None:
            continue
        with contextlib.suppress(OSError):
            status, system = there.stat(), os.statvfs(there)
            disk = Disk(str(there), system.f_bavail * system.f_frsize, system.f_blocks * system.f_frsize)
            disks.setdefault(status.st_dev, disk)
    return tuple(disks.values())
