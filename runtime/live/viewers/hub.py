"""Fan-out from the loop's threads to everybody who looks: newest frames to viewers, events to listeners.

Lives on the server's event loop; other threads reach it through `Hub.post_*`. A slow client loses frames or events of
its own, never slows another, and is cut when nothing has gone through for a while.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Asks", "Hub", "Listener", "Viewer"]

EVENT_QUEUE = 64
HEARTBEAT_S = 10.0
STALLED_S = 20.0
FORGIVEN_S = 5.0  # after which a frame whose taking was never told is no longer waited for


@dataclass(frozen=True)
class Asks:
    """How large somebody wants to see which source: a page of many cards shows small ones, and one of them large."""

    small: bool = False  # all sources but `large`
    large: str | None = None
    key: str | None = None  # of who tells which small pictures were taken: networks and browsers buffer many

    def is_small(self, source: str) -> bool:
        """Whether the small picture of a source will do."""
        return self.small and source != self.large


class _Client:
    """What the hub knows of one open response."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.closed = False
        self.task = asyncio.current_task()
        self.sending_since: float | None = None
        self.sent = time.monotonic()

    def taken(self) -> None:
        """What `take` gave has gone through."""

    def close(self) -> None:
        """Let the response end by itself."""
        self.closed = True
        self.ready.set()

    def leave(self) -> None:
        """End the response, even in the middle of what is not taken."""
        self.close()
        if self.task is not None and self.sending_since is not None:
            self.task.cancel()


class Viewer(_Client):
    """Somebody who looks: the newest frame of every source that has not been sent yet."""

    def __init__(self, asks: Asks, ready: Callable[[], None]) -> None:
        super().__init__()
        self.asks = asks
        self._ready_for_more = ready
        self._newest: dict[str, bytes] = {}
        self._owed: dict[str, float] = {}  # sources of which a frame was promised and not taken, since when
        self._sending: tuple[str, ...] = ()
        self.missed = 0

    def promise(self, source: str) -> None:
        """A frame of this source is on its way; called from any thread."""
        self._owed[source] = time.monotonic()

    def waits_for(self, source: str) -> bool:
        """Whether the last frame of a source has been taken, so that the next one is of use; read from any thread."""
        owed_since = self._owed.get(source)
        told_late = self._tells(source) and owed_since is not None and owed_since < time.monotonic() - FORGIVEN_S
        return (owed_since is None or told_late) and source not in self._newest

    def put(self, source: str, record: bytes) -> None:
        """Replace what is waiting of a source."""
        self.missed += source in self._newest
        self._newest[source] = record
        self.ready.set()

    def take(self) -> list[bytes]:
        """What is waiting, one record a source."""
        self.ready.clear()
        records, self._sending = list(self._newest.values()), tuple(self._newest)
        self._newest = {}
        return records

    def taken(self) -> None:
        """The frames that were being sent have gone through; who tells what was taken has more to say."""
        sent, self._sending = self._sending, ()
        self.settle(source for source in sent if not self._tells(source))

    def settle(self, sources: Iterable[str]) -> None:
        """The newest frames of some sources have been taken."""
        settled = [self._owed.pop(source, None) for source in sources]
        if settled:
            self._ready_for_more()

    def _tells(self, source: str) -> bool:
        return self.asks.key is not None and self.asks.is_small(source)


class Listener(_Client):
    """Somebody who listens to server-sent events of some kinds."""

    def __init__(self, kinds: frozenset[str]) -> None:
        super().__init__()
        self.kinds = kinds
        self._queue: deque[bytes] = deque()
        self.missed = 0

    def put(self, event: bytes) -> None:
        """Queue an event; the oldest is lost when the client does not keep up."""
        if len(self._queue) >= EVENT_QUEUE:
            self._queue.popleft()
            self.missed += 1
        self._queue.append(event)
        self.ready.set()

    def take(self) -> list[bytes]:
        """What is waiting, oldest first."""
        self.ready.clear()
        events, self._queue = list(self._queue), deque()
        return events


class Hub:
    """Everybody who looks or listens."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._viewers: set[Viewer] = set()
        self._listeners: set[Listener] = set()
        self._closed = False
        self.tended = float("-inf")  # monotonic seconds: when the event loop last came round
        self.when_taken: Callable[[], None] = lambda: None  # who makes frames; called on the event loop's thread

    @property
    def viewers(self) -> int:
        """How many look; read from any thread."""
        return len(self._viewers)

    def sizes(self, source: str) -> set[bool]:
        """Whether small pictures of a source are looked at, or large ones, or both; read from any thread."""
        return {viewer.asks.is_small(source) for viewer in self._viewers}

    def wanted(self, source: str) -> set[bool]:
        """The sizes, small or not, that somebody waits for who has taken the last frame; read from any thread."""
        return {viewer.asks.is_small(source) for viewer in self._viewers if viewer.waits_for(source)}

    def listens(self, kind: str) -> bool:
        """Whether anybody listens to a kind of event; read from any thread."""
        return any(kind in listener.kinds for listener in tuple(self._listeners))

    def taken(self, key: str, sources: Iterable[str]) -> None:
        """Who looks under this key has taken the newest frames of some sources; callable from any thread."""
        for viewer in self._viewers:
            if viewer.asks.key == key:
                viewer.settle(sources)

    def start(self) -> None:
        """Bind to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def post_frame(self, source: str, record: bytes, *, small: bool) -> None:
        """Hand a frame to every viewer who asks for that size of it; callable from any thread."""
        for viewer in self._viewers:
            if viewer.asks.is_small(source) == small:
                viewer.promise(source)
        self._post(self._spread_frame, source, record, small)

    def post_event(self, kind: str, event: bytes) -> None:
        """Hand an event to everybody who listens to its kind; callable from any thread."""
        self._post(self._spread_event, kind, event)

    def close(self) -> None:
        """End every open response; callable from any thread."""
        self._closed = True
        self._post(self._close_all)

    @contextmanager
    def viewer(self, asks: Asks) -> Iterator[Viewer]:
        """Somebody looks as long as this is entered."""
        viewer = Viewer(asks, self._can_take)
        viewer.closed = self._closed
        self._viewers = self._viewers | {viewer}
        try:
            yield viewer
        finally:
            self._viewers = self._viewers - {viewer}

    @contextmanager
    def listener(self, *kinds: str) -> Iterator[Listener]:
        """Somebody listens as long as this is entered."""
        listener = Listener(frozenset(kinds))
        listener.closed = self._closed
        self._listeners = self._listeners | {listener}
        try:
            yield listener
        finally:
            self._listeners = self._listeners - {listener}

    def _can_take(self) -> None:
        self.when_taken()

    def tend(self) -> None:
        """Keep quiet connections alive, end those through which nothing goes; called twice a second."""
        self.tended = now = time.monotonic()
        for client in (*self._viewers, *self._listeners):
            if client.sending_since is None:
                if client.sent < now - HEARTBEAT_S:
                    client.ready.set()
            elif client.sending_since < now - STALLED_S and client.task is not None:
                client.task.cancel()

    def _post(self, function: object, *values: object) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        try:
            loop.call_soon_threadsafe(function, *values)  # type: ignore[arg-type]
        except RuntimeError:  # closed between the question and the call
            return

    def _spread_frame(self, source: str, record: bytes, small: bool) -> None:
        for viewer in self._viewers:
            if viewer.asks.is_small(source) == small:
                viewer.put(source, record)

    def _spread_event(self, kind: str, event: bytes) -> None:
        for listener in self._listeners:
            if kind in listener.kinds:
                listener.put(event)

    def _close_all(self) -> None:
        for client in (*self._viewers, *self._listeners):
            client.close()
