"""What a page knew of a picture when it said something of it: of two pages neither undoes what the other said."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..errors import UsageError

__all__ = ["Versions"]


class Versions:
    """How often each picture changed since the start; what is said of an older state is refused."""

    def __init__(self) -> None:
        self.session = secrets.token_hex(4)  # a browser that keeps pictures takes none for another start's
        self._changes: Counter[str] = Counter()

    def of(self, name: str) -> int:
        """A picture's version, which a page sends back as `since`."""
        return self._changes[name]

    def check(self, name: str, said: Mapping[str, Any]) -> None:
        """Refuse what another page could not know; who says no `session` and no `since` is believed."""
        if said.get("session", self.session) != self.session:
            raise UsageError("labelling was started anew since this page was opened: reload it")
        if said.get("since", self.of(name)) != self.of(name):
            raise UsageError(f"{name}: another page labelled it meanwhile, and that stays; go back to it to change it")

    def change(self, name: str) -> None:
        """Something else is said of a picture from now on."""
        self._changes[name] += 1
