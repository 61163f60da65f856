"""The models of a running loop: loaded once, shared by sources, exchanged without stopping them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..bundle.bundle import Bundle, one_network
from ..engines.protocol import EngineOptions
from ..errors import WorkError
from ..model.open import open_model
from ..model.recognizer import BundleRecognizer

__all__ = ["ModelChoice", "ModelSlot"]


@dataclass(frozen=True)
class ModelChoice:
    """Which model file of a bundle runs, and how."""

    engine: str = "auto"
    precision: str | None = None
    threads: int | None = None


class ModelSlot:
    """The place a recognizer sits in while the loop runs; a context manager that closes what is in it."""

    def __init__(self, bundle: Bundle, choice: ModelChoice = ModelChoice(), name: str = "") -> None:
        self.bundle, self.choice = bundle, choice
        self.name = name or bundle.manifest.name
        self._lock = threading.Lock()
        self._recognizer: BundleRecognizer | None = None

    def load(self) -> None:
        """Load the bundle's networks, unless they are."""
        if self._recognizer is None:
            self._recognizer = self._opened(self.bundle)

    @contextlib.contextmanager
    def in_use(self) -> Iterator[BundleRecognizer]:
        """The recognizer, which is not exchanged meanwhile."""
        with self._lock:
            assert self._recognizer is not None
            yield self._recognizer

    @property
    def running(self) -> tuple[str, str]:
        """The engine and precision that run."""
        with self._lock:
            if self._recognizer is None:
                return "", ""
            files = [network.file for network in self._recognizer.networks.values()]
            return _all(file.engine for file in files), _all(file.precision for file in files)

    def improve(self, quiet_s: float) -> bool:
        """Let `--engine auto` look for a faster engine for so many seconds; True when there is nothing left to do."""
        with self._lock:
            return self._recognizer is None or self._recognizer.improve(quiet_s)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed of the model and what had to fall back, in words."""
        with self._lock:
            return self._recognizer.notes if self._recognizer is not None else self.bundle.notes

    def swap(self, name: str) -> None:
        """Exchange the model for another that passes its golden frames; the old one goes on where it does not."""
        bundle = open_model(name)
        new = self._opened(bundle)
        try:
            _prove(bundle, new)
        except BaseException:
            new.__exit__(None, None, None)
            raise
        with self._lock:
            old, self._recognizer, self.bundle, self.name = self._recognizer, new, bundle, name
        if old is not None:
            old.__exit__(None, None, None)

    def __enter__(self) -> ModelSlot:
        return self

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            if self._recognizer is not None:
                self._recognizer.__exit__(None, None, None)
                self._recognizer = None

    def _opened(self, bundle: Bundle) -> BundleRecognizer:
        choice = self.choice
        options = EngineOptions(threads=choice.threads) if choice.threads else None
        return BundleRecognizer(bundle, engine=choice.engine, precision=choice.precision, options=options).__enter__()


def _prove(bundle: Bundle, recognizer: BundleRecognizer) -> None:
    """Golden frames through the model file that is to run."""
    if not bundle.manifest.golden:
        return
    from ..model.verify import verify_bundle

    for role, network in recognizer.networks.items():
        alone = one_network(bundle, role, network.file)
        if alone.manifest.golden and not verify_bundle(alone).ok:
            raise WorkError(f"{bundle.path}: fails its golden frames on this machine; the model that runs goes on")


def _all(words: Iterable[str]) -> str:
    """The one word there is, or those of all steps."""
    return " + ".join(dict.fromkeys(words))
