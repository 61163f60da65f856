"""What was seen in each picture of a clip, as data beside it: NAME.jsonl beside NAME.webm, a JSON line a picture.

Lines rather than WebVTT: a player looks up the rows of the very picture that it shows, while a cue may come a quarter
of a second late; and whatever reads results reads these.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from ..result import Result
from .record_names import source_and_time

__all__ = ["ClipRows", "rows_of", "sweep_rows", "told"]

ENDING = ".jsonl"
_BOX, _POINTS = "box", ("corners", "keypoints")  # of a row, in pixels of its frame; the outlines of a mask, too


def told(result: Result, *, drawn: bool) -> str:
    """What a line says of a picture beside its time: all its rows, and whether they are drawn into it as well."""
    height, width = result.frame.size
    said: dict[str, Any] = {"when": round(result.frame.time, 6), "frame": result.frame.index}
    if drawn:
        said["drawn"] = True
    said["results"] = [_in_fractions(row.to_dict(), width, height) for row in result.seen]
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


class ClipRows:
    """The lines of a clip under way, in a hidden file until they are whole."""

    def __init__(self, clip: Path) -> None:
        self.target = clip.with_suffix(ENDING)
        self._partial = clip.with_name(f".{clip.stem}.partial{ENDING}")
        self._stream: IO[bytes] | None = None
        self.bytes = 0

    def add(self, at_s: float, said: str) -> None:
        """A picture that is shown from that second of the clip on; OSError where the disk does not take its line."""
        if self._stream is None:
            self._stream = open(self._partial, "wb", buffering=0)  # noqa: PTH123, SIM115 (as long as the clip)
        line = f'{{"position_s":{round(at_s, 3)},{said[1:]}\n'.encode("utf-8", "backslashreplace")
        left = memoryview(line)
        while left:
            left = left[self._stream.write(left) or 0 :]
        self.bytes += len(line)

    def finish(self) -> None:
        """Bring them to disk and put them in their place, where there are any; OSError where that cannot be."""
        if self._stream is not None:
            os.fsync(self._stream.fileno())
            self._partial.replace(self.target)

    def discard(self) -> None:
        """Leave nothing of them but what is in its place."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            with contextlib.suppress(OSError):
                self._partial.unlink(missing_ok=True)


def rows_of(clip: Path) -> Path | None:
    """The lines beside a clip, None where it has none; a link or a pipe is none."""
    beside = clip.with_suffix(ENDING)
    return beside if beside.is_file() and not beside.is_symlink() else None


def sweep_rows(clips: Path) -> None:
    """Remove the lines of clips that are not there: a run was killed between the two, or somebody deleted a clip."""
    with contextlib.suppress(OSError):
        files = list(clips.iterdir())
        there = {file.stem for file in files if file.suffix != ENDING}
        for file in files:
            if file.suffix == ENDING and file.stem not in there and source_and_time(file.stem) is not None:
                file.unlink()


def _in_fractions(row: Mapping[str, Any], width: int, height: int) -> dict[str, Any]:
    """A row with its places as fractions of the picture, which the clip may hold smaller than it was."""

    def point(at: list[float]) -> list[float]:
        return [round(at[0] / width, 4), round(at[1] / height, 4), *at[2:]]

    said = dict(row)
    if _BOX in row:
        x, y, w, h = row[_BOX]
        said[_BOX] = [*point([x, y]), *point([w, h])]
    for name in _POINTS:
        if name in row:
            said[name] = [point(at) for at in row[name]]
    if "mask" in row:
        said["mask"] = [[point(at) for at in outline] for outline in row["mask"]]
    return said
