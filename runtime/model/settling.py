"""One network's way to its fastest engine on this machine: remembered from an earlier run, else searched for."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ..bundle.bundle import Bundle
from ..bundle.manifest import Network

if TYPE_CHECKING:  # the search is for `--engine auto` alone, and a start must not wait for its imports
    from .engine_search import EngineSearch
    from .remembered import Measured, Remembered

__all__ = ["Settling"]


class Settling:
    """Finds the winner among a network's files and thread counts; a precision or number of threads narrows them."""

    def __init__(self, bundle: Bundle, network: Network, precision: str | None, threads: int | None) -> None:
        self.notes: tuple[str, ...] = ()
        self.measured: Remembered | None = None  # the table and its winner, from now or an earlier run
        self._bundle, self._network, self._precision, self._threads = bundle, network, precision, threads
        self._search: EngineSearch | None = None

    def recall(self) -> Measured | None:
        """The remembered winner, where it is one that the options allow."""
        from .remembered import recall

        kept = recall(self._network)
        if kept is None:
            return None
        # only what would be tried here anyway: a cache decides which, never what is loaded
        if dataclasses.replace(kept.winner, ms=None, problem="") not in self._candidates():
            return None
        self.measured = kept
        return kept.winner

    def search(self, quiet_s: float) -> tuple[bool, Measured | None]:
        """Search for about so many seconds, two in all: whether nothing is left to do, and the winner if it is new."""
        from .engine_search import EngineSearch, choose
        from .remembered import Remembered, remember

        if self.measured is not None:
            return True, None
        if self._search is None:
            todo = self._candidates()
            if len(todo) < 2:
                return True, None
            self._search = EngineSearch(self._bundle, self._network, todo)
        if not self._search.step(quiet_s):
            return False, None
        table = self._search.table
        winner = choose(table)
        if winner is not None:
            self.measured = Remembered(winner, tuple(table))
            if not remember(self._network, winner, table):
                self.notes += (
                    "the engine that is fastest here could not be noted (is the disk full?); it is found again",
                )
        return True, winner

    def _candidates(self) -> list[Measured]:
        from .engine_search import candidates

        return candidates(self._network, precision=self._precision, threads=self._threads)
