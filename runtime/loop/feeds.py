"""Capture threads: every source is read by a thread of its own, and the loop is served from them in turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from ..errors import SourceError
from ..sinks.protocol import Notice
from ..sources.protocol import Source
from .doorbell import Doorbell
from .slot import FrameSlot, Waiting

__all__ = ["Feed", "Feeds"]

FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 2.0  # between the starts of two attempts to open a source again
STUCK_S = 45.0  # a capture that did nothing for so long hangs; opening a stream that does not answer takes less
LEAVE_S = 0.4  # how long a capture that blocks is waited for when the loop ends

Tell = Callable[[Notice], None]


class Feed:
    """One source with its capture thread, which opens it again when it is lost."""

    def __init__(self, source: Source, bell: Doorbell, tell: Tell, *, patient: bool = False) -> None:
        self.source, self.slot = source, FrameSlot(bell, live=source.live)
        self.name, self.live = source.name, source.live
        self.opened = self.ended = self.connected = False
        self.recoveries = 0
        self.not_before = 0.0  # monotonic seconds: the loop's rate limit for this source
        self.error: Exception | None = None  # what it failed with, for good or (a patient one) so far
        self.trouble = ""  # why no frame comes, in words; empty while they come
        self.begun = time.monotonic()
        self.gave_up = False  # for good
        self.stirred = time.monotonic()  # when its thread last did something
        self._bell, self._tell, self._patient = bell, tell, patient
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"capture {source.name}", daemon=True)

    def start(self) -> None:
        """Begin to capture."""
        self.begun = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; returns at once."""
        self._stopping.set()
        self.slot.close()
        self.source.interrupt()

    def join(self, timeout: float) -> bool:
        """Whether the thread has ended; a capture that blocks in a driver may not."""
        self._thread.join(max(timeout, 0))
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._capture()
        except Exception as error:  # noqa: BLE001 (raised again by the loop, in its thread)
            if self._patient:
                self._complain(error, "")
            self.error, self.gave_up = error, True
        finally:
            with self._bell.lock:
                self.ended, self.connected = True, False
                self._bell.ring(urgent=True)

    def _capture(self) -> None:
        wait = FIRST_WAIT_S
        while not self._stopping.is_set():
            begun = self.stirred = time.monotonic()
            before = self.slot.captured
            try:
                with self.source:
                    self.opened = True
                    self._pump()
                reason = "the stream ended"
            except SourceError as error:
                if not self.live or not (self.opened or self._patient):
                    raise
                reason = str(error)
                if self._patient and not self.slot.captured:
                    self._complain(error, "; trying again")
            if not self.live or self._stopping.is_set():
                return
            if self.slot.captured > before:
                wait = FIRST_WAIT_S
            self._lost(reason)
            self._stopping.wait(max(begun + wait - time.monotonic(), FIRST_WAIT_S / 2))
            wait = min(wait * 2, LONGEST_WAIT_S)

    def _pump(self) -> None:
        expected: int | None = None
        while not self._stopping.is_set():
            frame = self.source.read()
            if frame is None:
                return
            if not self.connected:
                self._back()
            if self.live and expected is not None and frame.index > expected:
                self.slot.passed_over(frame.index - expected)
            expected = frame.index + 1
            if not self.slot.put(Waiting(frame, (time.monotonic() - frame.captured) * 1e3)):
                return

    def _complain(self, error: Exception, more: str) -> None:
        """Say once why this one of several sources is not there."""
        if self.error is None:
            self._tell(Notice(self.name, "lost", f"{error}{more}", time.time()))
        self.error = error
        self.trouble = str(error)

    def _lost(self, reason: str) -> None:
        self.slot.discard()
        self.trouble = reason
        if self.connected:
            self.connected = False
            self._tell(Notice(self.name, "lost", f"{self.name}: lost: {reason}; opening it again", time.time()))

    def _back(self) -> None:
        missed = self.error is not None  # which was said
        self.connected, self.error, self.trouble = True, None, ""
        self.recoveries += bool(self.slot.captured)
        if self.slot.captured or missed:
            self._tell(Notice(self.name, "back", f"{self.name}: is back", time.time()))


class Feeds:
    """All sources of a run; a context manager that owns their threads.

    Live ones that cannot be opened are tried again where there are several, or where the run is `patient`.
    """

    def __init__(self, sources: Sequence[Source], tell: Tell, *, patient: bool = False) -> None:
        self._bell = Doorbell(gathers=not any(source.live for source in sources))
        self._patient = patient
        patient = patient or len(sources) > 1
        self.feeds = [Feed(source, self._bell, tell, patient=patient) for source in sources]
        self.blocked = False  # after leaving: a capture still hangs in a driver
        self._turn = 0

    def take(self, timeout: float) -> tuple[Feed, Waiting] | None:
        """The next frame, sources in turn; None when none came in time."""
        deadline = time.monotonic() + timeout
        with self._bell.lock:
            while True:
                now = time.monotonic()
                wake = deadline
                for step in range(len(self.feeds)):
                    feed = self.feeds[(self._turn + step) % len(self.feeds)]
                    if not len(feed.slot):
                        continue
                    if feed.not_before <= now:
                        waiting = feed.slot.take()
                        assert waiting is not None
                        self._turn = (self._turn + step + 1) % len(self.feeds)
                        return feed, waiting
                    wake = min(wake, feed.not_before)
                if now >= deadline or self.over:
                    return None
                self._bell.wait(wake - now)

    @property
    def quiet(self) -> bool:
        """Whether no frame waits."""
        return not any(len(feed.slot) for feed in self.feeds)

    @property
    def over(self) -> bool:
        """Whether every source has ended and nothing waits."""
        return all(feed.ended and not len(feed.slot) for feed in self.feeds)

    @property
    def away(self) -> bool:
        """Whether a source could not be opened so far, or was lost."""
        lost = (feed.live and feed.slot.captured and not feed.connected for feed in self.feeds)
        return any(lost) or any(feed.error is not None for feed in self.feeds)

    @property
    def tried(self) -> bool:
        """Whether a source that gives no frames is being opened again and again, and does not hang in that."""
        now = time.monotonic()
        return any(
            feed.live and not feed.connected and not feed.ended and now - feed.stirred < STUCK_S for feed in self.feeds
        )

    @property
    def held_back(self) -> bool:
        """Whether frames come and are only too early for the rate that was asked for."""
        now = time.monotonic()
        return any(
            feed.live and len(feed.slot) and feed.not_before > now and now - feed.slot.arrived < STUCK_S
            for feed in self.feeds
        )

    def failed(self, *, stopped: bool) -> bool:
        """Whether a source could not be opened or read; one being tried when the run was `stopped` is only away."""
        return any(feed.gave_up or (feed.error is not None and not stopped) for feed in self.feeds)

    def check(self) -> None:
        """Raise what a capture thread failed with; of several sources one may fail while the others go on."""
        for feed in self.feeds:
            if feed.error is None:
                continue
            if isinstance(feed.error, SourceError) and not feed.gave_up and self._patient:
                continue
            if not isinstance(feed.error, SourceError) or all(other.error is not None for other in self.feeds):
                raise feed.error

    def __enter__(self) -> Feeds:
        for feed in self.feeds:
            feed.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for feed in self.feeds:
            feed.stop()
        deadline = time.monotonic() + LEAVE_S
        left = [feed.join(deadline - time.monotonic()) for feed in self.feeds]
        self.blocked = not all(left)
