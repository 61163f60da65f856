"""What a sink could not do: said at once, counted, and said again when it is over."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Losses", "reason"]

QUIET_S = 60.0  # a sink that fails and works by turns is not said more often, only counted


def reason(error: BaseException) -> str:
    """Why something failed, in a few words that name no file: they stay the same while the reason does."""
    inner = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(inner, OSError):
        return inner.strerror or str(inner) or type(inner).__name__
    return str(error) or type(error).__name__


@dataclass
class _Trouble:
    """One kind of thing that is lost now, or was."""

    why: str = ""  # empty while all is well
    count: int = 0  # lost since it was last said that it works
    total: int = 0
    last: str = ""  # the last reason
    said: bool = False
    over: float = float("-inf")  # when it was last said that it works, monotonic seconds


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


class Losses:
    """Counts what one sink lost, by kind ("results", "clips"); thread-safe."""

    def __init__(self, name: str, say: Callable[[str], None] = _to_stderr) -> None:
        self.name, self.say = name, say
        self.lost = 0
        self._troubles: dict[str, _Trouble] = {}
        self._lock = threading.Lock()

    def lose(self, what: str, why: str, count: int = 1) -> None:
        """Some of a kind could not be kept."""
        with self._lock:
            trouble = self._troubles.setdefault(what, _Trouble())
            self.lost += count
            trouble.count, trouble.total = trouble.count + count, trouble.total + count
            trouble.why = trouble.last = why
            news = not trouble.said and time.monotonic() - trouble.over > QUIET_S
            trouble.said = trouble.said or news
        if news:
            self.say(f"{self.name}: {what} could not be kept: {why}; trying again")

    def keep(self, what: str) -> None:
        """One of a kind was kept: what was wrong is over."""
        with self._lock:
            trouble = self._troubles.get(what)
            if trouble is None or not trouble.why:
                return
            said, count = trouble.said, trouble.count
            trouble.why = ""
            if said:
                trouble.said, trouble.count, trouble.over = False, 0, time.monotonic()
        if said:
            self.say(f"{self.name}: works again; {count} {what} were lost")

    @property
    def error(self) -> str:
        """What is wrong now; empty while all is well."""
        with self._lock:
            return "; ".join(f"{what}: {trouble.why}" for what, trouble in self._troubles.items() if trouble.why)

    @property
    def summary(self) -> str:
        """All that was lost, for the end of a run."""
        with self._lock:
            return "; ".join(f"{t.total} {what} lost: {t.last}" for what, t in self._troubles.items() if t.total)
