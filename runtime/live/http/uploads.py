"""Bodies under way: each has a place, and takes bytes of what all may hold before it keeps them.

Where there is no room, the body that has been coming longest makes some, if it has had its time: one that dribbles
holds a place only as long as nobody wants it. Touched by the event loop's thread alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .budget import Budget
from .limits import BodyError

__all__ = ["NoRoomError", "Upload", "Uploads"]


class NoRoomError(Exception):
    """Every place is taken, or all the bytes are."""


class Upload:
    """One body: coming, then whole and being worked on."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._task = asyncio.current_task()
        self.since = time.monotonic()
        self.held = 0
        self.sent_away = self.gone = False

    def take(self, size: int) -> None:
        """Room for so many bytes more, before they are kept."""
        self._uploads.take(self, size)

    def whole(self) -> None:
        """All of it is here: it is not sent away any more."""
        self._uploads.coming.pop(self, None)

    def send_away(self) -> None:
        """Make room for another."""
        self.sent_away = True
        if self._task is not None:
            self._task.cancel()


class Uploads:
    """The places and bytes of one service."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.coming: dict[Upload, None] = {}  # longest first
        self.under_way = self.held = 0

    @contextmanager
    def place(self) -> Iterator[Upload]:
        """A place for one request's body and its work."""
        if self.under_way >= self.budget.requests and not self._send_one_away(None):
            raise NoRoomError
        upload = Upload(self)
        self.coming[upload] = None
        self.under_way += 1
        try:
            yield upload
        except asyncio.CancelledError:
            if upload.sent_away:
                raise BodyError(408, "the body came too slowly while others waited") from None
            raise
        finally:
            self._end(upload)

    def take(self, upload: Upload, size: int) -> None:
        """Count bytes as held by a body."""
        while self.held + size > self.budget.held_bytes and self._send_one_away(upload):
            pass
        if self.held + size > self.budget.held_bytes:
            raise NoRoomError
        upload.held += size
        self.held += size

    def _send_one_away(self, besides: Upload | None) -> bool:
        longest = next((upload for upload in self.coming if upload is not besides), None)
        if longest is None or time.monotonic() - longest.since < self.budget.body_patience_s:
            return False
        longest.send_away()
        self._end(longest)  # its task hears of it before anything else is read
        return True

    def _end(self, upload: Upload) -> None:
        upload.whole()
        if not upload.gone:
            upload.gone = True
            self.under_way -= 1
            self.held -= upload.held
