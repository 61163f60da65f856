"""A recording folder looked through: the clip and the picture of a moment, and the lines of what happened."""

from __future__ import annotations

import itertools
import json
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .clip_rows import rows_of
from .options.record import RecordOptions
from .record_names import names_of_source, source_and_time

__all__ = ["Recorded", "When"]

_MOST_LINES_BYTES = 32 * 1024 * 1024  # that are looked through for what happened before
_KINDS = {"clips": (".mp4", ".webm"), "snapshots": (".jpg",), "lines": (".jsonl",)}
_SAME_S = 2e-5  # names have microseconds, cut off

When = tuple[float, float]  # seconds since 1970, and on its source's clock: of a file its place there, else the same
_Named = tuple[list[float], list[Path]]  # when each began, in order; the files


class Recorded:
    """What `--record` keeps under a folder. Quick to ask again as long as nothing there has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[int, dict[str, _Named]]] = {}
        self._before_this = frozenset(file.name for file in self._files("lines"))

    def clip(self, source: str, happened: Iterable[When]) -> Path | None:
        """The clip that shows what happened first here; what happened before it follows.

        It began then, or with something before it from which the next came in time to make the clip longer.
        """
        times = iter(happened)
        first = next(times)
        found = self._before("clips", source, first[0])
        if found is None:
            return None
        began, file = found
        clock = _back_to(began, itertools.chain([first], times))
        newest = at = next(clock)
        for before in clock:
            if not 0 <= at - before <= RecordOptions.after_s:
                return None  # it had ended; the clip that began later is not complete, or not there
            if newest - before > RecordOptions.longest_s - RecordOptions.before_s:
                return None
            at = before
        return file

    def rows(self, clip: Path | None) -> Path | None:
        """What was seen in a clip's pictures, as lines; None where they are not kept, or there is no clip."""
        return None if clip is None else rows_of(clip)

    def snapshot(self, source: str, moment: float) -> Path | None:
        """The picture of a moment."""
        found = self._before("snapshots", source, moment)
        return found[1] if found is not None and moment - found[0] <= 2 * _SAME_S else None

    def lines(self) -> Iterator[dict[str, Any]]:
        """What was kept as lines before this was made, the newest first; what is no such line is passed over.

        Files say which those are, each run begins its own: a clock that was not set at its start tells nothing.
        """
        left = _MOST_LINES_BYTES
        for file in sorted(self._files("lines"), reverse=True):
            if file.name not in self._before_this:
                continue
            try:
                left -= file.stat().st_size
                if left < 0:
                    return
                data = file.read_bytes()
            except OSError:  # gone meanwhile
                continue
            for line in reversed(data.splitlines()):
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(value, dict):
                    yield value

    def _before(self, part: str, source: str, moment: float) -> tuple[float, Path] | None:
        """The newest file of a source that is no younger than a moment."""
        found = []
        for name in names_of_source(source):
            times, files = self._named(part).get(name, ([], []))
            if place := bisect_right(times, moment + _SAME_S):
                found.append((times[place - 1], files[place - 1]))
        return max(found, default=None)

    def _named(self, part: str) -> dict[str, _Named]:
        try:
            changed = (self._folder / part).stat().st_mtime_ns
        except OSError:
            return {}
        if part not in self._known or self._known[part][0] != changed:
            self._known[part] = changed, self._read(part)
        return self._known[part][1]

    def _read(self, part: str) -> dict[str, _Named]:
        found: dict[str, _Named] = {}
        for file in sorted(self._files(part)):  # their names begin with the time
            if (named := source_and_time(file.stem)) is not None:
                times, files = found.setdefault(named[0], ([], []))
                times.append(named[1])
                files.append(file)
        return found

    def _files(self, part: str) -> list[Path]:
        """The files of a part that are such as this kit records; a link or a pipe is none."""
        try:
            with os.scandir(self._folder / part) as entries:
                there = [Path(each.path) for each in entries if each.is_file(follow_symlinks=False)]
        except OSError:
            return []
        return [file for file in there if not file.name.startswith(".") and file.suffix in _KINDS[part]]


def _back_to(began: float, happened: Iterable[When]) -> Iterator[float]:
    """What happened by its source's clock, back to that with which a clip began, also where that is not known."""
    at_first = began
    for when, at in happened:
        if when - began <= _SAME_S:
            if began - when <= _SAME_S:
                at_first = at
            break
        yield at
        at_first = at - (when - began)
    yield at_first
