"""One call from a frame to recognitions: walks a bundle's steps; the loop knows nothing else of models."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from .bundle import Bundle
from .engines.protocol import EngineOptions
from .errors import BundleError
from .frame import Frame
from .network import LoadedNetwork, StageTimes, choose_file
from .preprocess import Region
from .recognitions import Recognitions

__all__ = ["BundleRecognizer"]


class BundleRecognizer:
    """A bundle with its networks loaded; a context manager."""

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
        self._choice = (engine, precision, options)
        self._loaded: dict[str, LoadedNetwork] = {}
        self._stack = contextlib.ExitStack()
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

    def __enter__(self) -> BundleRecognizer:
        engine, precision, options = self._choice
        for role, network in self.bundle.manifest.networks.items():
            file = choose_file(network, engine, precision)
            self._loaded[role] = self._stack.enter_context(LoadedNetwork(self.bundle, network, file, options))
        return self

    def __exit__(self, *exc: object) -> None:
        self._loaded.clear()
        self._stack.close()
