"""One call from a frame to recognitions: walks a bundle's steps; the loop knows nothing else of models."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..bundle.bundle import Bundle
from ..bundle.manifest import Network
from ..engines.choice import split_engine
from ..engines.protocol import EngineOptions
from ..errors import BundleError
from ..frame import Frame
from ..preprocess import Region
from ..recognitions import Recognitions
from .network import LoadedNetwork, StageTimes, choose_file

if TYPE_CHECKING:  # the search is for `--engine auto` alone, and a start must not wait for its imports
    from .engine_search import EngineSearch
    from .remembered import Measured, Remembered

__all__ = ["BundleRecognizer"]


class BundleRecognizer:
    """A bundle with its networks loaded; a context manager.

    With the engine "auto" the first results come from the winner that is remembered for this bundle on this machine,
    else from the manifest's preferred file; `improve` then finds the fastest while nothing else is to do. `options`
    with a number of threads leave the search only engine and precision.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        engine: str = "auto",
        precision: str | None = None,
        options: EngineOptions | None = None,
        region: Region | None = None,
    ) -> None:
        self.bundle, self.region = bundle, region
        self._engine, accelerators = split_engine(engine)
        self._precision = precision
        self._threads = options.threads if options else None
        self._options = options or EngineOptions()
        if accelerators:
            self._options = dataclasses.replace(self._options, accelerators=accelerators)
        self._search: EngineSearch | None = None
        self._remembered: Remembered | None = None
        self._loaded: dict[str, LoadedNetwork] = {}
        if len(bundle.manifest.steps) != 1:
            raise BundleError(f"{bundle.path}: has {len(bundle.manifest.steps)} steps; this kit runs bundles of one")

    def recognize(
        self, frame: Frame, *, region: Region | None = None, threshold: float | None = None
    ) -> tuple[Recognitions, Mapping[str, float]]:
        """What is in the frame, and the milliseconds of each stage; a region or threshold here is for this frame."""
        times = StageTimes()
        network = self._loaded[self.bundle.manifest.steps[-1].network]
        seen = network.recognize(frame.image, region or self.region, times, threshold)
        return seen, times.as_dict()

    @property
    def networks(self) -> Mapping[str, LoadedNetwork]:
        """The loaded networks by role."""
        return self._loaded

    @property
    def measured(self) -> Remembered | None:
        """The engine search's table and winner, from now or an earlier run; None before it is finished."""
        return self._remembered

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed of the model and what had to fall back, in words for people."""
        return self.bundle.notes + tuple(note for network in self._loaded.values() for note in network.engine.notes)

    def improve(self, quiet_s: float) -> bool:
        """Search for the fastest engine for about so many seconds, two in all; True when nothing is left to do."""
        if self._engine != "auto" or self._remembered is not None:
            return True
        from .engine_search import EngineSearch, candidates, choose
        from .remembered import Remembered, remember

        network = self.bundle.manifest.main
        if self._search is None:
            todo = candidates(network, precision=self._precision, threads=self._threads)
            if len(todo) < 2:
                self._engine = "settled"
                return True
            self._search = EngineSearch(self.bundle, network, todo)
        if not self._search.step(quiet_s):
            return False
        table, winner = self._search.table, choose(self._search.table)
        self._search = None
        if winner is None:
            self._engine = "settled"
            return True
        self._remembered = Remembered(winner, tuple(table))
        remember(network, winner, table)
        self._take_over(winner)
        return True

    def __enter__(self) -> BundleRecognizer:
        main = self.bundle.manifest.steps[-1].network
        for role, network in self.bundle.manifest.networks.items():
            winner = self._recalled(network) if role == main else None
            if winner is None:
                file = choose_file(network, self._engine, self._precision)
                self._load(role, LoadedNetwork(self.bundle, network, file, self._options))
            else:
                self._take_over(winner)
        return self

    def __exit__(self, *exc: object) -> None:
        for network in self._loaded.values():
            network.__exit__(*exc)
        self._loaded.clear()
        self._search = None

    def _recalled(self, network: Network) -> Measured | None:
        """The remembered winner, where it is one that the options allow."""
        if self._engine != "auto":
            return None
        from .remembered import recall

        found = recall(network)
        if found is None:
            return None
        from .engine_search import candidates

        allowed = candidates(network, precision=self._precision, threads=self._threads)
        if not any((c.path, c.threads) == (found.winner.path, found.winner.threads) for c in allowed):
            return None
        self._remembered = found
        return found.winner

    def _take_over(self, winner: Measured) -> None:
        """Load the winner in place of what runs, unless it does."""
        main = self.bundle.manifest.steps[-1].network
        network, running = self.bundle.manifest.main, self._loaded.get(main)
        options = dataclasses.replace(self._options, threads=winner.threads, accelerators=winner.accelerators)
        if running is not None and (running.file.path, self._options) == (winner.path, options):
            return
        file = next(file for file in network.files if file.path == winner.path)
        self._load(main, LoadedNetwork(self.bundle, network, file, options))
        self._options = options

    def _load(self, role: str, network: LoadedNetwork) -> None:
        network.__enter__()
        old, self._loaded[role] = self._loaded.get(role), network
        if old is not None:
            old.__exit__(None, None, None)
