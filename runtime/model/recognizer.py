"""One call from a frame to recognitions: walks a bundle's steps; the loop knows nothing else of models."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import ModelFile, Network
from ..bundle.signature import check_accepted
from ..engines.choice import split_engine
from ..engines.protocol import EngineOptions
from ..errors import ModelError
from ..frame import Frame
from ..preprocess import Region, fit_frame
from ..recognitions import Recognitions
from ..tasks.catalog import task_of
from .following import Follower
from .network import LoadedNetwork, choose_file
from .seen import Seen
from .settling import Settling
from .steps import run_many, run_steps

if TYPE_CHECKING:
    from .remembered import Measured, Remembered

__all__ = ["BundleRecognizer"]


class BundleRecognizer:
    """A bundle with its networks loaded; a context manager.

    With the engine "auto" the first results come from the winner that is remembered for this bundle on this machine,
    else from the manifest's preferred file; `improve` then finds the fastest while nothing else is to do. `options`
    with a number of threads leave the search only engine and precision. `shared` lets many threads ask at once;
    `taught` names what was taught on this device too.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        engine: str = "auto",
        precision: str | None = None,
        options: EngineOptions | None = None,
        region: Region | None = None,
        shared: bool = False,
        taught: bool = False,
    ) -> None:
        self.bundle, self.region, self._shared, self._taught = bundle, region, shared, taught
        self._engine, accelerators = split_engine(engine)
        self._precision = precision
        self._options = options or EngineOptions()
        if accelerators:
            self._options = dataclasses.replace(self._options, accelerators=accelerators)
        threads = options.threads if options else None
        self._loaded: dict[str, LoadedNetwork] = {}
        self._fallbacks: list[str] = []
        self._settling: dict[str, Settling] = {}
        for role, network in bundle.manifest.networks.items():
            task_of(network.task, str(bundle.path or bundle.manifest.name))
            if self._engine == "auto":
                self._settling[role] = Settling(bundle, network, precision, threads)
        self._unsettled = list(self._settling)
        self._measured_batches = False  # of the networks that are loaded now

    def recognize(
        self,
        frame: Frame,
        *,
        region: Region | None = None,
        threshold: float | None = None,
        follower: Follower | None = None,
    ) -> Seen:
        """What is in the frame; a region or threshold here is for this frame alone.

        A `follower` has seen the frames before, and says which things these are.
        """
        follow = None if follower is None else (follower, frame)
        region = region or self.region
        return run_steps(self.bundle.manifest, self._loaded, frame.image, region, threshold, follow=follow)

    def recognize_many(
        self, images: Sequence[NDArray[np.uint8]], *, region: Region | None = None, threshold: float | None = None
    ) -> list[Recognitions]:
        """What is in each of several BGR pictures, as `recognize` would say, several at once where that is faster."""
        if len(images) > 1 and not self._measured_batches:
            self._measured_batches = True
            for network in self._loaded.values():
                network.measure_batches()
        return run_many(self.bundle.manifest, self._loaded, images, region or self.region, threshold)

    @property
    def networks(self) -> Mapping[str, LoadedNetwork]:
        """The loaded networks by role."""
        return self._loaded

    @property
    def main(self) -> LoadedNetwork:
        """The last step's network: what the bundle is for."""
        return self._loaded[self.bundle.manifest.steps[-1].network]

    @property
    def measured(self) -> Mapping[str, Remembered]:
        """The engine search's table and winner of every network that has one, by role."""
        return {role: each.measured for role, each in self._settling.items() if each.measured is not None}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed of the model and what had to fall back, in words for people."""
        engines = (note for network in self._loaded.values() for note in network.engine.notes)
        settled = (note for settling in self._settling.values() for note in settling.notes)
        return (*self.bundle.notes, *self._fallbacks, *engines, *settled)

    def found(self, image: NDArray[np.uint8], region: Region | None = None) -> Recognitions:
        """What the first step finds in a BGR frame, before later ones look at it."""
        finder = self._loaded[self.bundle.manifest.steps[0].network]
        pixels, placement = fit_frame(image, finder.network.pixels, region)
        return finder.decode(finder.outputs(pixels), placement)

    def improve(self, quiet_s: float) -> bool:
        """Search for the fastest engine for about so many seconds, two a network; True when nothing is left to do."""
        if self._unsettled:
            role = self._unsettled[0]
            done, winner = self._settling[role].search(quiet_s)
            if winner is not None:
                self._take_over(role, winner)
            if done:
                self._unsettled.pop(0)
        return not self._unsettled

    def __enter__(self) -> BundleRecognizer:
        check_accepted(self.bundle)  # before any engine reads a byte of it, and at every start
        for role, network in self.bundle.manifest.networks.items():
            winner = self._settling[role].recall() if role in self._settling else None
            if winner is None:
                self._load(role, self._file(role, network), self._options)
            else:
                self._take_over(role, winner)
        return self

    def __exit__(self, *exc: object) -> None:
        for network in self._loaded.values():
            network.__exit__(*exc)
        self._loaded.clear()

    def _file(self, role: str, network: Network) -> ModelFile:
        """The file that was asked for; of several networks one that has no such file runs what it has, and says so."""
        try:
            return choose_file(network, self._engine, self._precision)
        except ModelError:
            if len(self.bundle.manifest.networks) == 1:
                raise
            file = choose_file(network)
            self._fallbacks.append(
                f"{role} runs as {file.engine} {file.precision}: it has no such file as was asked for"
            )
            return file

    def _take_over(self, role: str, winner: Measured) -> None:
        """Load the winner in place of what runs, unless it does."""
        network, running = self.bundle.manifest.networks[role], self._loaded.get(role)
        options = dataclasses.replace(self._options, threads=winner.threads, accelerators=winner.accelerators)
        if running is not None and (running.file.path, running.options) == (winner.path, options):
            return
        self._load(role, next(file for file in network.files if file.path == winner.path), options)

    def _load(self, role: str, file: ModelFile, options: EngineOptions) -> None:
        network = self.bundle.manifest.networks[role]
        new = LoadedNetwork(self.bundle, network, file, options, taught=self._taught).__enter__()
        if self._shared:
            new.share()
        elif any(step.network == role for step in self.bundle.manifest.steps[1:]):  # it will see several crops at once
            new.measure_batches()
        self._measured_batches = False
        old, self._loaded[role] = self._loaded.get(role), new
        if old is not None:
            old.__exit__(None, None, None)
