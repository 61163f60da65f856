"""Sinks on threads of their own: a slow one loses a live source's results, never holds the loop up."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from ..errors import EdgelensError
from ..result import Result
from ..sinks.protocol import Notice, Sink
from .doorbell import Doorbell

__all__ = ["Outlets"]

DEPTH = 8  # results a sink may be behind; each holds its frame's pixels
BEHIND_BYTES = 32 * 1024 * 1024  # so with large frames fewer
LOOK_UP_S = 0.2  # how often one that waits for room looks whether the run was stopped
LEAVE_S = 0.4  # what a sink that hangs is given when the run was interrupted


class _Outlet:
    """One sink with its queue and thread."""

    def __init__(self, sink: Sink, failed: Callable[[Sink, Exception], None]) -> None:
        self.sink, self.dropped, self.dead = sink, 0, False
        self._failed = failed
        self._bell = Doorbell()
        self._items: deque[Result | Notice] = deque()
        self._room_at = 0  # a put that waits for room wants no more items than these
        self._ending = False
        self.thread = threading.Thread(target=self._work, name=f"sink {sink.name}", daemon=True)

    def put(self, item: Result | Notice, *, wait: bool, stop: Callable[[], bool]) -> None:
        depth = DEPTH if isinstance(item, Notice) else min(max(BEHIND_BYTES // item.frame.image.nbytes, 2), DEPTH)
        with self._bell.lock:
            if len(self._items) >= depth and not (wait and self._room(depth, stop)):
                self.dropped += isinstance(item, Result)
            elif not self.dead:
                self._items.append(item)
                self._bell.ring(urgent=2 * len(self._items) >= depth)

    def finish(self) -> None:
        """Let the thread end after what waits."""
        with self._bell.lock:
            self._ending = True
            self._bell.ring(urgent=True)

    def _room(self, depth: int, stop: Callable[[], bool]) -> bool:
        """Whether there is room for another item, waiting until half of it is free unless the run was stopped."""
        if len(self._items) < depth:
            return True
        self._room_at = depth // 2
        while len(self._items) > self._room_at and not self.dead and not stop():
            self._bell.lock.wait(LOOK_UP_S)
        self._room_at = 0
        return self.dead or len(self._items) < depth

    def _next(self) -> Result | Notice | None:
        """The next item, waiting for it; None at the end."""
        with self._bell.lock:
            while not self._items:
                if self._ending:
                    return None
                self._bell.wait(None)
            item = self._items.popleft()
            self._bell.taken()
            if self._room_at and len(self._items) <= self._room_at:
                self._bell.lock.notify_all()
            return item

    def _work(self) -> None:
        try:
            while (item := self._next()) is not None:
                if isinstance(item, Result):
                    self.sink.write(item)
                else:
                    self.sink.notice(item)
        except Exception as error:  # noqa: BLE001 (told to the run, which goes on without this sink)
            with self._bell.lock:
                self.dead = True
                self._items.clear()
                self._bell.ring(urgent=True)
            self._failed(self.sink, error)


class Outlets:
    """All sinks of a run; a context manager that opens, feeds and closes them."""

    def __init__(self, sinks: Sequence[Sink], stop: Callable[[], bool] = lambda: False) -> None:
        self._outlets = [_Outlet(sink, self._failed) for sink in sinks]
        self._stop = stop
        self._failures: list[str] = []
        self.over = False  # whoever read the results has seen enough

    def put(self, result: Result, *, wait: bool) -> None:
        """Give a result to every sink; with `wait` (a file's results) slow sinks are waited for."""
        for outlet in self._outlets:
            outlet.put(result, wait=wait, stop=self._stop)

    def notice(self, notice: Notice) -> None:
        """Tell every sink what happened to a source."""
        for outlet in self._outlets:
            outlet.put(notice, wait=False, stop=self._stop)

    @property
    def dropped(self) -> Mapping[str, int]:
        """Results each sink was too slow for."""
        return {outlet.sink.name: outlet.dropped for outlet in self._outlets}

    def __enter__(self) -> Outlets:
        with ExitStack() as opened:
            for outlet in self._outlets:
                opened.enter_context(outlet.sink)
            opened.pop_all()
        for outlet in self._outlets:
            outlet.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for outlet in self._outlets:
            outlet.finish()
        since = time.monotonic()
        for outlet in reversed(self._outlets):
            while outlet.thread.is_alive() and not (self._stop() and time.monotonic() - since > LEAVE_S):
                outlet.thread.join(0.02)
            if not outlet.thread.is_alive():
                self._close(outlet)

    def _close(self, outlet: _Outlet) -> None:
        try:
            outlet.sink.__exit__(None, None, None)
        except Exception as error:  # noqa: BLE001 (the other sinks are closed all the same)
            if not outlet.dead:  # else it has been told why
                self._failed(outlet.sink, error)

    @property
    def failures(self) -> tuple[str, ...]:
        """What went wrong with sinks, a line each."""
        return tuple(self._failures)

    def _failed(self, sink: Sink, error: Exception) -> None:
        if isinstance(error, BrokenPipeError):  # `| head`
            self.over = True
        elif isinstance(error, EdgelensError | OSError):
            self._failures.append(f"{sink.name}: {error.strerror if isinstance(error, OSError) else error}")
        else:
            self._failures.append(f"{sink.name}: {type(error).__name__}: {error}")
