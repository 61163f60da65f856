"""The last name and the last text of a source: what was announced of whom was taught, and of what was read."""

from __future__ import annotations

from collections import OrderedDict

from ..recognitions import UNKNOWN_ID
from ..result import Result

__all__ = ["LastSaid"]

_MOST = 64  # names and texts of one source that are remembered: what has left may be announced a little later


class LastSaid:
    """Tells names and texts from other labels, by the rows of one source that said them."""

    def __init__(self) -> None:
        self._kinds: OrderedDict[str, str] = OrderedDict()
        self.announced: set[str] = set()  # "name", "text": which of the two has been

    def hear(self, result: Result) -> str | None:
        """Whether a name or a text was announced with a result; None where nothing was, or another label."""
        seen = result.seen
        if seen.identities or seen.texts:
            for row in range(len(seen)):
                name = seen.identities[row] if seen.identities else ""
                text = seen.texts[row] if seen.texts and int(seen.ids[row]) != UNKNOWN_ID else ""
                if name or text:
                    self._kinds[name or text] = "name" if name else "text"
                    self._kinds.move_to_end(name or text)
            while len(self._kinds) > _MOST:
                self._kinds.popitem(last=False)
        return None if result.announced is None else self._kinds.get(result.announced)
