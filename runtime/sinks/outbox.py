"""Messages that wait on disk until the broker has taken them, in a file that no other process sends from."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..errors import WorkError
from ..host.owned import own_folder
from ..host.places import state_folder
from .claim import Claim, claimed, first_free, numbered_files
from .losses import Losses, reason
from .outbox_file import OutboxFile, is_damage, put_aside

__all__ = ["Message", "Outbox"]

T = TypeVar("T")
AGAIN_S = 0.5  # a disk that took nothing is not asked more often
MOST_HELD, MOST_HELD_BYTES = 1000, 4 * 1024 * 1024  # in memory, while the disk takes nothing
NEW, OLD = "messages", "older messages"  # what may be lost: for want of a disk, and for want of room in the outbox


@dataclass(frozen=True)
class Message:
    """One message on its way; `row` is its place in the outbox, 0 for one that never was on disk."""

    topic: str
    payload: bytes
    retain: bool = False
    row: int = 0


class Outbox:
    """An ordered queue in one SQLite file, bounded in count and bytes; the oldest go first when it is full.

    Survives the process being killed at any moment: what is on disk when `put` returns is there after the next start.
    While the disk takes nothing, messages wait in memory, can be sent from there, and go to the disk as soon as it
    has room. Where another process has the file, `path` becomes a numbered one beside it; what those hold that nobody
    sends from any more is taken over.
    """

    def __init__(
        self,
        path: Path,
        *,
        most: int = 100_000,
        most_bytes: int = 64 * 1024 * 1024,
        losses: Losses | None = None,
    ) -> None:
        self.path, self.losses = path, losses or Losses("outbox")
        self.client = uuid.uuid4().hex[:8]  # stays the same as long as the file does, and no other outbox has it
        self._first = path
        self._claim: Claim | None = None
        self._most, self._most_bytes = most, most_bytes
        self._lock = threading.Lock()
        self._file: OutboxFile | None = None
        self._held: deque[Message] = deque()
        self._arrived: set[int] = set()  # rows that the disk did not let go yet
        self._last = 0  # the highest row that was given out
        self._again = float("-inf")  # when a disk that took nothing is asked next
        self._why = ""

    def put(self, messages: Sequence[Message] = ()) -> None:
        """Add messages, and those that wait for the disk, in one transaction."""
        with self._lock:
            self._held.extend(messages)
            self._settle(now=bool(messages))

    def next(self, after: int, most: int) -> list[Message]:
        """The oldest messages past a row; those in memory are the caller's to bring back (`put`) if they do not go."""
        with self._lock:
            self._settle()
            rows = self._done(lambda file: file.oldest(after, most)) or []
            messages = [Message(*row) for row in rows]
            self._last = max([self._last, *(message.row for message in messages)])
            while self._held and len(messages) < most:
                messages.append(self._held.popleft())
        return messages

    def done(self, rows: Sequence[int]) -> None:
        """Forget messages that have arrived."""
        with self._lock:
            self._arrived.update(row for row in rows if row)
            self._settle(now=True)

    def __len__(self) -> int:
        return len(self._held) + (self._file.count - len(self._arrived) if self._file is not None else 0)

    def __enter__(self) -> Outbox:
        try:
            self._done(lambda _: None)
        except OSError as error:
            raise WorkError(f"{self.path}: no place for the outbox ({error.strerror or error})") from None
        return self

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._settle(now=True)
            if self._held:
                self.losses.lose(NEW, self.losses.error or "no room on the disk", len(self._held))
            self._close()
            if self._claim is not None:
                self._claim.__exit__()
                self._claim = None

    def _settle(self, *, now: bool = False) -> None:
        """Bring to disk what is in memory, and from it what has arrived."""
        if (self._held or self._arrived) and (now or time.monotonic() >= self._again):
            held, arrived = list(self._held), set(self._arrived)
            forgotten: bool | None = self._done(lambda file: file.forget(arrived)) if arrived else None
            if forgotten:
                self._arrived -= arrived
            rows = [(message.topic, message.payload, message.retain) for message in held]
            gone: int | None = self._done(lambda file: file.add(rows, self._most, self._most_bytes)) if rows else None
            if gone is not None:
                self._held.clear()
                self.losses.keep(NEW)
                self.losses.lose(OLD, "the outbox is full", gone) if gone else self.losses.keep(OLD)
        while len(self._held) > MOST_HELD or sum(len(m.payload) for m in self._held) > MOST_HELD_BYTES:
            self._held.popleft()
            self.losses.lose(NEW, self._why)

    def _done(self, work: Callable[[OutboxFile], T]) -> T | None:
        """What the work on the file gave; None where the disk does not allow it now."""
        try:
            return work(self._opened())
        except sqlite3.Error as error:
            self._failed(error)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._failed(error)
        return None

    def _failed(self, error: sqlite3.Error | OSError) -> None:
        self._again = time.monotonic() + AGAIN_S
        self._why = reason(error)
        if isinstance(error, sqlite3.Error) and is_damage(error):  # a card that lost power at the wrong moment
            self._close()
            self.losses.say(f"{self.losses.name}: {self.path} is damaged; put aside as {put_aside(self.path)}")
        else:
            self.losses.lose(NEW, self._why, 0)
            if "full" not in self._why:  # a card that was away for a moment: what was opened on it is of no use
                self._close()

    def _opened(self) -> OutboxFile:
        """The file, opened where it is not; of a full disk it may only be possible later."""
        if self._file is None:
            if self._claim is None:
                if self._first.parent == state_folder():
                    own_folder(self._first.parent)  # what waits there is nobody else's to read, or to have put there
                self._first.parent.mkdir(parents=True, exist_ok=True)
                self._claim = first_free(self._first)
                self.path = self._claim.path
            try:
                self._file = OutboxFile(self.path, self._last)
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
                self._failed(error)
                self._file = OutboxFile(self.path, self._last)
            if self.client != self._file.client:
                self._arrived.clear()
                self.client = self._file.client
            self._take_over(self._file)
        return self._file

    def _take_over(self, file: OutboxFile) -> None:
        """Messages of processes that ended before they were sent."""
        for place in numbered_files(self._first):
            with contextlib.suppress(OSError, sqlite3.Error):  # one that is damaged is its next owner's
                if place != self.path and (claim := claimed(place)) is not None:
                    with claim:
                        file.take_over(place)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
