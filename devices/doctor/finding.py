"""What a check found, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["Finding", "Level", "bad", "note", "ok", "warn"]

Level = Literal["ok", "note", "warn", "bad"]


@dataclass(frozen=True)
class Finding:
    """One line: `bad` stops the kit from working, `warn` will hurt, `note` may be better, `ok` is fine."""

    level: Level
    what: str
    says: str
    do: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def ok(what: str, says: str) -> Finding:
    """Fine as it is."""
    return Finding("ok", what, says)


def note(what: str, says: str, do: str) -> Finding:
    """Works, and could be better."""
    return Finding("note", what, says, do)


def warn(what: str, says: str, do: str) -> Finding:
    """Will hurt sooner or later."""
    return Finding("warn", what, says, do)


def bad(what: str, says: str, do: str) -> Finding:
    """Does not work."""
    return Finding("bad", what, says, do)
