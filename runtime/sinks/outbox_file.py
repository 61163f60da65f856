"""The SQLite file of an outbox: one table, in order; only one process has it open."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["OutboxFile", "is_damage", "put_aside"]

Row = tuple[str, bytes, bool]  # topic, payload, retain


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken; a full disk, a lock or a card that is away leave it as good as it was."""
    return type(error) is sqlite3.DatabaseError and any(word in str(error) for word in ("malformed", "not a database"))


def put_aside(path: Path) -> Path:
    """Rename a damaged file, with what SQLite has beside it, to a name that nothing has yet."""
    names = (path.with_suffix(f".damaged{'' if again == 1 else f'-{again}'}") for again in itertools.count(1))
    aside = next(name for name in names if not name.exists())
    path.replace(aside)
    for more in ("-wal", "-shm"):  # SQLite would play the old one back into a new file
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + more).replace(aside.with_name(aside.name + more))
    return aside


class OutboxFile:
    """Rows in order with their count and bytes; every change is whole or did not happen (sqlite3.Error).

    Rows that are new have numbers above `after`, also where the file itself is new.
    """

    count: int
    size: int  # bytes of what the messages say

    def __init__(self, path: Path, after: int = 0) -> None:
        with contextlib.ExitStack() as opened:
            self._db = opened.enter_context(contextlib.closing(_connected(path)))
            # kept to one process, SQLite needs no shared memory beside the file, for which a full disk has no room
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS outbox"
                " (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, payload BLOB, retain INTEGER)"
            )
            if after:
                _number_from(self._db, after)
            self._measure()
            self.client = _client_of(self._db)
            opened.pop_all()

    def add(self, rows: Sequence[Row], most: int, most_bytes: int) -> int:
        """Put rows last, and take the oldest away until there are at most so many; says how many those were."""
        count, size = self.count + len(rows), self.size + sum(len(row[1]) for row in rows)
        gone = 0
        with self._db as db:
            db.executemany("INSERT INTO outbox (topic, payload, retain) VALUES (?, ?, ?)", rows)
            while count > most or size > most_bytes:
                row, length = db.execute("SELECT id, length(payload) FROM outbox ORDER BY id LIMIT 1").fetchone()
                db.execute("DELETE FROM outbox WHERE id = ?", (row,))
                count, size, gone = count - 1, size - length, gone + 1
        self.count, self.size = count, size
        return gone

    def oldest(self, after: int, most: int) -> list[tuple[str, bytes, bool, int]]:
        """The first rows past one, with their numbers."""
        query = "SELECT topic, payload, retain, id FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
        rows = self._db.execute(query, (after, most)).fetchall()
        return [(topic, payload, bool(retain), row) for topic, payload, retain, row in rows]

    def forget(self, rows: Iterable[int]) -> bool:
        """Take rows away; True when it is done."""
        count, size = self.count, self.size
        with self._db as db:
            for row in rows:
                length = db.execute("SELECT length(payload) FROM outbox WHERE id = ?", (row,)).fetchone()
                if length:
                    db.execute("DELETE FROM outbox WHERE id = ?", (row,))
                    count, size = count - 1, size - length[0]
        self.count, self.size = count, size
        return True

    def take_over(self, place: Path) -> None:
        """Move all rows of another file, which nobody has open, here."""
        with contextlib.closing(_connected(place)) as other:
            rows = other.execute("SELECT topic, payload, retain FROM outbox ORDER BY id")
            with self._db as db:
                db.executemany("INSERT INTO outbox (topic, payload, retain) VALUES (?, ?, ?)", rows)
            self._measure()
            self._db.execute("PRAGMA wal_checkpoint(FULL)")  # on disk here before they are forgotten there
            with other:
                other.execute("DELETE FROM outbox")

    def close(self) -> None:
        """Close the file; what could not be tidied up is tidied up at the next start."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    def _measure(self) -> None:
        self.count, self.size = self._db.execute(
            "SELECT count(*), coalesce(sum(length(payload)), 0) FROM outbox"
        ).fetchone()


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, check_same_thread=False, timeout=5)


def _number_from(db: sqlite3.Connection, after: int) -> None:
    with db:
        db.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'outbox'", (after,))
        if not db.execute("SELECT changes()").fetchone()[0]:
            db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', ?)", (after,))


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
