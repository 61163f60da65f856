"""How old files are by the time that has really passed: a clock that leaps makes none of them older."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

from ..errors import EdgelensError
from ..host.files import write_text

__all__ = ["LivedTime"]

SLACK_S = 3600.0  # what was written around the end of a stretch, which is not noted to the second
LEAP_S = 60.0  # what the clock was set by, when it is known exactly
UNSEEN_S = 3 * 86400.0  # a machine may have been off for so long; what is more was no time that anybody saw pass
SAVED_EVERY_S = 600.0
MOST_STRETCHES = 64


@dataclass(frozen=True)
class _Look:
    """One look at the clocks."""

    wall: float  # seconds since 1970, as the machine has it
    boot: str = ""  # which start of the machine this was; empty where that is not known
    up: float = 0.0  # seconds since that start


@dataclass
class _Stretch:
    """A time in which the clock went evenly."""

    begin: float  # by the wall clock
    end: float
    ahead: float  # how far the wall clock is ahead of the time that has passed since the first stretch


def _now() -> _Look:
    """Both clocks; the kernel's files count suspended time too."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return _Look(time.time(), boot, float(Path("/proc/uptime").read_text(encoding="ascii").split()[0]))
    except (OSError, ValueError):
        return _Look(time.time())


class LivedTime:
    """Notes by how much the wall clock was set, over restarts too, in a small file.

    A machine that was off for more than three days, or whose clock was set ahead: neither can be told from the other,
    so neither makes a file older.
    """

    def __init__(self, place: Path, say: Callable[[str], None] = lambda _: None) -> None:
        self._place, self._say = place, say
        self._last, self._stretches = _read(place)
        self._saved = float("-inf") if self._last is None else self._last.up

    def look(self, newest: float | None = None) -> None:
        """Compare the clocks; `newest` is when something was last written here, for a first look."""
        now = _now()
        before = self._last or (_Look(newest) if newest is not None else now)
        if not self._stretches:
            self._stretches.append(_Stretch(before.wall, before.wall, 0.0))
        self._last = now
        passed = now.wall - before.wall
        known = bool(now.boot) and now.boot == before.boot
        leap = passed - (now.up - before.up) if known else passed if not 0 <= passed <= UNSEEN_S else 0.0
        if abs(leap) > LEAP_S:
            self._stretches.append(_Stretch(now.wall, now.wall, self._stretches[-1].ahead + leap))
            del self._stretches[:-MOST_STRETCHES]
            if abs(leap) >= UNSEEN_S:
                self._say(f"the clock leapt by {leap / 86400:+.1f} days; nothing that is kept is older for it")
        self._stretches[-1].end = now.wall
        if abs(leap) > LEAP_S or not 0 <= now.up - self._saved < SAVED_EVERY_S:
            self._save(now)

    def age(self, modified: float) -> float:
        """Seconds that have passed since a file was written at that time of the wall clock."""
        if self._last is None:
            return time.time() - modified
        within = (s for s in reversed(self._stretches) if s.begin - SLACK_S <= modified <= s.end + SLACK_S)
        written = next(within, self._stretches[0])  # what no stretch knows of was there before
        return (self._last.wall - self._stretches[-1].ahead) - (modified - written.ahead)

    def _save(self, now: _Look) -> None:
        first, self._saved = self._saved == float("-inf"), now.up
        if first and len(self._stretches) == 1:  # a short run: the newest file says enough
            return
        with contextlib.suppress(OSError, EdgelensError):  # a full disk; there will be another time
            write_text(
                self._place, json.dumps({"last": asdict(now), "stretches": [astuple(each) for each in self._stretches]})
            )


def _read(place: Path) -> tuple[_Look | None, list[_Stretch]]:
    try:
        plain = json.loads(place.read_text(encoding="utf-8"))
        last = plain["last"]
        stretches = [_Stretch(*map(float, each)) for each in plain["stretches"]][-MOST_STRETCHES:]
        return _Look(float(last["wall"]), str(last["boot"]), float(last["up"])), stretches
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None, []
