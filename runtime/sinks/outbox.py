"""Messages that wait on disk until the broker has taken them, in a file that no other process sends from."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import WorkError
from .claim import Claim, claimed, first_free, numbered

__all__ = ["Message", "Outbox"]


@dataclass(frozen=True)
class Message:
    """One message on its way; `row` is its place in the outbox."""

    topic: str
    payload: bytes
    retain: bool = False
    row: int = 0


class Outbox:
    """An ordered queue in one SQLite file, bounded in count and bytes; the oldest go first when it is full.

    Survives the process being killed at any moment: what `put` has returned for is there after the next start. Where
    another process has the file, `path` becomes a numbered one beside it; what those hold that nobody sends from any
    more is taken over.
    """

    def __init__(self, path: Path, *, most: int = 100_000, most_bytes: int = 64 * 1024 * 1024) -> None:
        self.path, self.lost = path, 0
        self.client = ""  # stays the same as long as the file does, and no other outbox has it
        self._first = path
        self._claim: Claim | None = None
        self._most, self._most_bytes = most, most_bytes
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._count = self._bytes = 0

    def put(self, messages: Sequence[Message]) -> None:
        """Add messages in one transaction; on a full disk they are counted as lost."""
        if not messages:
            return
        rows = [(message.topic, message.payload, message.retain) for message in messages]
        with self._lock:
            try:
                with self._open as db:
                    db.executemany("INSERT INTO outbox (topic, payload, retain) VALUES (?, ?, ?)", rows)
                    self._count += len(rows)
                    self._bytes += sum(len(row[1]) for row in rows)
                    self._make_room(db)
            except sqlite3.OperationalError:
                self.lost += len(rows)

    def next(self, after: int, most: int) -> list[Message]:
        """The oldest messages past a row."""
        query = "SELECT topic, payload, retain, id FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
        with self._lock:
            rows = self._open.execute(query, (after, most)).fetchall()
        return [Message(topic, payload, bool(retain), row) for topic, payload, retain, row in rows]

    def done(self, rows: Sequence[int]) -> None:
        """Forget messages that have arrived."""
        with self._lock, self._open as db:
            for row in rows:
                found = db.execute("SELECT length(payload) FROM outbox WHERE id = ?", (row,)).fetchone()
                if found:
                    db.execute("DELETE FROM outbox WHERE id = ?", (row,))
                    self._count, self._bytes = self._count - 1, self._bytes - found[0]

    def __len__(self) -> int:
        return self._count

    def __enter__(self) -> Outbox:
        try:
            self._first.parent.mkdir(parents=True, exist_ok=True)
            self._claim = first_free(self._first)
            self.path = self._claim.path
            self._db = self._opened()
        except sqlite3.DatabaseError:
            self.path.replace(self.path.with_suffix(".damaged"))  # a card that lost power at the wrong moment
            self._db = self._opened()
        except OSError as error:
            raise WorkError(f"{self.path}: no place for the outbox ({error.strerror or error})") from None
        self._take_over()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None
            if self._claim is not None:
                self._claim.__exit__()
                self._claim = None

    def _take_over(self) -> None:
        """Messages of processes that ended before they were sent."""
        for place in numbered(self._first):
            with contextlib.suppress(OSError, sqlite3.DatabaseError):  # one that is damaged is its next owner's
                if place != self.path and (claim := claimed(place)) is not None:
                    with claim:
                        self._move_from(place)

    def _move_from(self, place: Path) -> None:
        with contextlib.closing(sqlite3.connect(place, timeout=5)) as other:
            rows = other.execute("SELECT topic, payload, retain FROM outbox ORDER BY id")
            with self._open as db:
                db.executemany("INSERT INTO outbox (topic, payload, retain) VALUES (?, ?, ?)", rows)
            db.execute("PRAGMA wal_checkpoint(FULL)")  # they are on disk here before they are forgotten there
            with other:
                other.execute("DELETE FROM outbox")
            self._measure(db)

    @property
    def _open(self) -> sqlite3.Connection:
        assert self._db is not None, "the outbox is not open"
        return self._db

    def _opened(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, check_same_thread=False, timeout=5)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(
            "CREATE TABLE IF NOT EXISTS outbox"
            " (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, payload BLOB, retain INTEGER)"
        )
        self._measure(db)
        self.client = _client_of(db)
        return db

    def _measure(self, db: sqlite3.Connection) -> None:
        self._count, self._bytes = db.execute(
            "SELECT count(*), coalesce(sum(length(payload)), 0) FROM outbox"
        ).fetchone()

    def _make_room(self, db: sqlite3.Connection) -> None:
        while self._count > self._most or self._bytes > self._most_bytes:
            row, size = db.execute("SELECT id, length(payload) FROM outbox ORDER BY id LIMIT 1").fetchone()
            db.execute("DELETE FROM outbox WHERE id = ?", (row,))
            self._count, self._bytes, self.lost = self._count - 1, self._bytes - size, self.lost + 1


def _client_of(db: sqlite3.Connection) -> str:
    """The outbox's own name, made with it."""
    fresh = uuid.uuid4().hex[:8]
    try:
        with db:
            db.execute("CREATE TABLE IF NOT EXISTS client (name TEXT)")
            db.execute("INSERT INTO client SELECT ? WHERE NOT EXISTS (SELECT 1 FROM client)", (fresh,))
        return str(db.execute("SELECT name FROM client").fetchone()[0])
    except sqlite3.OperationalError:  # a full disk: what waits there is sent all the same
        return fresh
