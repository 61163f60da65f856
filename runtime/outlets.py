"""Sinks on threads of their own: a slow one loses a live source's results, never holds the loop up."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from .errors import EdgelensError
from .result import Result
from .sinks.protocol import Notice, Sink

__all__ = ["Outlets"]

DEPTH = 8  # results a sink may be behind; each holds its frame's pixels
BEHIND_BYTES = 32 * 1024 * 1024  # so with large frames fewer
LEAVE_S = 0.4  # what a sink that hangs is given when the run was interrupted


class _Outlet:
    """One sink with its queue and thread."""

    def __init__(self, sink: Sink, failed: Callable[[Sink, Exception], None]) -> None:
        self.sink, self.dropped, self.dead = sink, 0, False
        self._failed = failed
        self._queue: queue.Queue[Result | Notice | None] = queue.Queue(DEPTH)
        self.thread = threading.Thread(target=self._work, name=f"sink {sink.name}", daemon=True)

    def put(self, item: Result | Notice, *, wait: bool, stop: Callable[[], bool]) -> None:
        depth = DEPTH if isinstance(item, Notice) else max(BEHIND_BYTES // item.frame.image.nbytes, 2)
        while not self.dead:
            if self._queue.qsize() < depth:
                with contextlib.suppress(queue.Full):
                    return self._queue.put(item, timeout=0.2 if wait else None, block=wait)
            elif wait:
                time.sleep(0.01)
            if not wait or stop():
                self.dropped += isinstance(item, Result)
                return None
        return None

    def finish(self, stop: Callable[[], bool]) -> None:
        """Let the thread end after what waits; a run that was stopped gives up what a hanging sink has not taken."""
        while not self.dead:
            with contextlib.suppress(queue.Full):
                return self._queue.put(None, timeout=0.05)
            if stop():
                with contextlib.suppress(queue.Empty):
                    self._queue.get_nowait()
                    self.dropped += 1
        return None

    def _work(self) -> None:
        try:
            while (item := self._queue.get()) is not None:
                if isinstance(item, Result):
                    self.sink.write(item)
                else:
                    self.sink.notice(item)
        except Exception as error:  # noqa: BLE001 (told to the run, which goes on without this sink)
            self.dead = True
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
            outlet.finish(self._stop)
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
