"""Counts that outlive a run: written beside one another, so that a reader finds the old ones or the new, never half."""

from __future__ import annotations

import contextlib
import json
import math
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import EdgelensError
from ..host.owned import read_own, write_own
from ..host.told_apart import state_file

__all__ = ["CountsKeeper", "counts_file"]

_AGAIN_S = 5.0  # after a disk took nothing
_COUNTED = ("in", "out", "entries", "dwell_s")  # what of a line or a zone is gone on from: numbers by label


def counts_file(source: str) -> Path:
    """Where the counts of a source are kept, by its name."""
    return state_file("counts", source)


def _are_counts(found: Any) -> bool:
    """Whether that is what a watch has standing, as far as it is gone on from."""
    try:
        each = [place for kind in ("lines", "zones") for place in found.get(kind, {}).values()]
        return all(math.isfinite(n) for place in each for name in _COUNTED for n in place.get(name, {}).values())
    except (AttributeError, TypeError, OverflowError):
        return False


class CountsKeeper:
    """Writes the newest counts from a thread of its own while it is entered: the camera never waits for the disk."""

    def __init__(self, path: Path, say: Callable[[str], None] = lambda line: None) -> None:  # noqa: ARG005
        self.path, self._say = path, say
        self._newest: Mapping[str, Any] | None = None
        self._own: set[tuple[str, str]] = set()  # the lines and zones that were counted here
        self._wake = threading.Condition()
        self._stopping = self._failed = False
        self._thread = threading.Thread(target=self._work, name="edgelens-counts", daemon=True)

    def read(self) -> dict[str, Any]:
        """What was kept; nothing where there is none, or where it cannot be read, which is said."""
        try:
            found = json.loads(read_own(self.path))
            if _are_counts(found):
                return dict(found)
            raise ValueError("holds no counts")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, EdgelensError) as error:
            self._say(f"counts begin at 0: {self.path}: {' '.join(str(error).split())}")
            return {}

    def put(self, counts: Mapping[str, Any]) -> None:
        """Keep these soon."""
        with self._wake:
            self._newest = counts
            self._wake.notify()

    def __enter__(self) -> CountsKeeper:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(2)

    def _work(self) -> None:
        while True:
            with self._wake:
                if self._failed:
                    self._wake.wait_for(lambda: self._stopping, _AGAIN_S)
                else:
                    self._wake.wait_for(lambda: self._newest is not None or self._stopping)
                counts, self._newest = self._newest, None
                stopping = self._stopping
            if counts is not None and not self._written(counts):
                with self._wake:
                    self._newest = counts if self._newest is None else self._newest  # for when there is room again
            if stopping:
                return

    def _with_others(self, counts: Mapping[str, Any]) -> dict[str, Any]:
        """The counts, and those of lines and zones that are kept and not watched in this run."""
        placed = {kind: counts[kind] for kind in ("lines", "zones") if kind in counts}
        self._own |= {(kind, name) for kind, places in placed.items() for name in places}
        try:
            found = json.loads(read_own(self.path))
        except (OSError, ValueError, EdgelensError):
            found = {}
        kept = found if _are_counts(found) else {}
        others = {
            kind: {name: place for name, place in kept.get(kind, {}).items() if (kind, name) not in self._own}
            for kind in placed
        }
        return {**counts, **{kind: {**others[kind], **places} for kind, places in placed.items()}}

    def _written(self, counts: Mapping[str, Any]) -> bool:
        try:
            write_own(self.path, json.dumps(self._with_others(counts), ensure_ascii=False).encode())
            self._failed = False
        except (OSError, EdgelensError) as error:
            if not self._failed:  # said once
                self._failed = True
                with contextlib.suppress(Exception):
                    self._say(f"counts are not kept: {error}")
        return not self._failed
