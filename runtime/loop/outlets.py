"""Sinks on threads of their own: a slow or failing one loses results and says how many, never holds the loop up."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from ..errors import EdgelensError
from ..result import Result
from ..sinks.losses import Losses, reason
from ..sinks.protocol import CountsLosses, KeepsMessages, Notice, Sink
from .control import SinkStatus
from .doorbell import Doorbell

__all__ = ["Outlets"]

DEPTH = 8  # results a sink may be behind; each holds its frame's pixels
MOST_NOTICES = 256  # beside them
BEHIND_BYTES = 32 * 1024 * 1024  # so with large frames fewer
LOOK_UP_S = 0.2  # how often one that waits for room looks whether the run was stopped
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 5.0  # a sink that fails is tried again after so long
WHAT = "results"
LEAVE_S = 0.7  # a sink that finishes nothing for so long when the run was interrupted hangs
MOST_LEAVE_S = 8.0  # what one that is only slow is given


class _Outlet:
    """One sink with its queue and thread; what it cannot take is tried again with back-off, counted and said."""

    def __init__(self, sink: Sink, over: Callable[[], None]) -> None:
        self.sink, self.dropped, self.dead = sink, 0, False
        self.losses = sink.losses if isinstance(sink, CountsLosses) else Losses(sink.name)
        self._over = over  # whoever read the results has seen enough
        self._bell = Doorbell()
        self._items: deque[Result | Notice] = deque()
        self._room_at = 0  # a put that waits for room wants no more items than these
        self._ending = False
        self._why = ""
        self._wait_s, self._again = 0.0, float("-inf")  # of a sink that fails: until when it is left alone
        self.thread = threading.Thread(target=self._work, name=f"sink {sink.name}", daemon=True)

    def put(self, result: Result, *, wait: bool, stop: Callable[[], bool]) -> None:
        depth = min(max(BEHIND_BYTES // result.frame.image.nbytes, 2), DEPTH)
        with self._bell.lock:
            if self.dead:
                return
            if len(self._items) >= depth and not (wait and self._room(depth, stop)):
                if not self._wait_s:
                    self.dropped += 1
                    return
                self.losses.lose(WHAT, self._why)
                if self._forget(Result):  # when it works again, what is newest is of more use
                    self._items.append(result)
            elif not self.dead:
                self._items.append(result)
                self._bell.ring(urgent=2 * len(self._items) >= depth)

    def tell(self, notice: Notice) -> None:
        """Has room beside the results: whoever missed that a source is back would call it lost for good."""
        with self._bell.lock:
            if self.dead:
                return
            if sum(isinstance(item, Notice) for item in self._items) >= MOST_NOTICES:
                self._forget(Notice)
            self._items.append(notice)
            self._bell.ring(urgent=2 * len(self._items) >= DEPTH)

    @property
    def status(self) -> SinkStatus:
        """How this sink is doing."""
        keeps = self.sink if isinstance(self.sink, KeepsMessages) else None
        waiting, trouble = (keeps.waiting, keeps.trouble) if keeps is not None else (None, "")
        error = "; ".join(filter(None, (trouble, self.losses.error)))
        return SinkStatus(self.sink.name, self.dropped, self.losses.lost, error, waiting)

    @property
    def left(self) -> int:
        """How many items wait."""
        return len(self._items)

    def finish(self) -> None:
        """Let the thread end after what waits."""
        with self._bell.lock:
            self._ending = True
            self._bell.ring(urgent=True)

    def _forget(self, kind: type[Result] | type[Notice]) -> bool:
        """Let the oldest item of a kind go; whether there was one."""
        oldest = next((i for i, item in enumerate(self._items) if isinstance(item, kind)), None)
        if oldest is not None:
            del self._items[oldest]
        return oldest is not None

    def _room(self, depth: int, stop: Callable[[], bool]) -> bool:
        """Whether there is room for another item, waiting until half of it is free unless the run was stopped."""
        if len(self._items) < depth:
            return True
        self._room_at = depth // 2
        while len(self._items) > self._room_at and not self.dead and not self._wait_s and not stop():
            self._bell.lock.wait(LOOK_UP_S)
        self._room_at = 0
        return self.dead or len(self._items) < depth

    def _next(self) -> Result | Notice | None:
        """The next item, waiting for it, and for a sink that fails to be tried again; None at the end."""
        with self._bell.lock:
            while not self._ending and (left := self._again - time.monotonic()) > 0:
                self._bell.wait(left)
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
        while (item := self._next()) is not None:
            try:
                if isinstance(item, Result):
                    self.sink.write(item)
                else:
                    self.sink.notice(item)
            except BrokenPipeError:  # `| head`
                with self._bell.lock:
                    self.dead = True
                    self._items.clear()
                    self._bell.ring(urgent=True)
                self._over()
                return
            except Exception as error:  # noqa: BLE001 (told to the run, which goes on)
                self._failed(error, isinstance(item, Result))
            else:
                if self._wait_s:
                    self._wait_s = 0.0
                    self.losses.keep(WHAT)

    def _failed(self, error: Exception, count: int) -> None:
        """Leave it alone for a while, longer each time."""
        self._why = reason(error) if isinstance(error, EdgelensError | OSError) else f"{type(error).__name__}: {error}"
        self.losses.lose(WHAT, self._why, count)
        with self._bell.lock:
            self._wait_s = min(2 * self._wait_s or FIRST_WAIT_S, LONGEST_WAIT_S)
            self._again = time.monotonic() + self._wait_s
            self._bell.ring(urgent=True)


class Outlets:
    """All sinks of a run; a context manager that opens, feeds and closes them."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        stop: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._outlets = [_Outlet(sink, self._seen_enough) for sink in sinks]
        self._stop = stop
        self._unclosed: list[str] = []
        self.over = False  # whoever read the results has seen enough
        if say is not None:
            for outlet in self._outlets:
                outlet.losses.say = say

    def put(self, result: Result, *, wait: bool) -> None:
        """Give a result to every sink; with `wait` (a file's results) slow sinks are waited for."""
        for outlet in self._outlets:
            outlet.put(result, wait=wait, stop=self._stop)

    def notice(self, notice: Notice) -> None:
        """Tell every sink what happened to a source."""
        for outlet in self._outlets:
            outlet.tell(notice)

    @property
    def status(self) -> tuple[SinkStatus, ...]:
        """How each sink is doing."""
        return tuple(outlet.status for outlet in self._outlets)

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
            moved, left = time.monotonic(), outlet.left
            while outlet.thread.is_alive():
                outlet.thread.join(0.02)
                now = time.monotonic()
                if outlet.left < left:
                    moved, left = now, outlet.left
                if self._stop() and (now - moved > LEAVE_S or now - since > MOST_LEAVE_S):
                    break
            if not outlet.thread.is_alive():
                self._close(outlet)
            else:
                self._unclosed.append(f"{outlet.sink.name}: did not end in time; what it kept last may be damaged")

    def _close(self, outlet: _Outlet) -> None:
        try:
            outlet.sink.__exit__(None, None, None)
        except BrokenPipeError:
            self._seen_enough()
        except Exception as error:  # noqa: BLE001 (the other sinks are closed all the same)
            self._unclosed.append(f"{outlet.sink.name}: the end of it could not be kept: {reason(error)}")

    @property
    def dropped(self) -> dict[str, int]:
        """The results that sinks were too slow for, by their names."""
        found: Counter[str] = Counter()
        for outlet in self._outlets:
            found[outlet.sink.name] += outlet.dropped
        return dict(found)

    @property
    def failures(self) -> tuple[str, ...]:
        """What went wrong with sinks, a line each."""
        lost = [(outlet.sink.name, outlet.losses) for outlet in self._outlets if outlet.losses.lost]
        return (*(f"{name}: {losses.summary}" for name, losses in lost), *self._unclosed)

    def _seen_enough(self) -> None:
        self.over = True
