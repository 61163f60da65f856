"""The models of a running loop: each loaded once, and shared by the sources that ask for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..bundle.bundle import Bundle, one_network
from ..engines.protocol import EngineOptions
from ..errors import UsageError, WorkError
from ..host.file_identity import FileIdentity
from ..model.arguments import ModelArguments
from ..model.open import open_model
from ..model.recognizer import BundleRecognizer
from ..said import Said, checked

__all__ = ["ModelAsked", "ModelChoice", "ModelSlot"]

_THREADS = Said("Engine threads.", low=1, whole=True)


@dataclass(frozen=True)
class ModelAsked:
    """A model as it is asked for: its name on the command line, and what was said of it."""

    name: str
    said: ModelArguments = field(default_factory=ModelArguments)


@dataclass(frozen=True)
class ModelChoice:
    """Which model file of a bundle runs, and how."""

    engine: str = "auto"
    precision: str | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.engine, str):
            raise UsageError(f"engine {self.engine!r}: must be a name, such as onnxruntime")
        if self.threads is not None:
            checked(self.threads, _THREADS, "threads")


class ModelSlot:
    """A bundle with its recognizer while the loop runs; a context manager that closes it."""

    def __init__(self, bundle: Bundle, choice: ModelChoice = ModelChoice(), asked: ModelAsked | None = None) -> None:
        self.bundle, self.choice = bundle, choice
        self.asked = asked or ModelAsked(str(bundle.path or bundle.manifest.name))
        self.settled = False  # nothing is left that `improve` could find
        self.file = FileIdentity(bundle.path or Path(self.asked.name))  # a bare model file lives in memory
        self._lock = threading.Lock()
        self._recognizer: BundleRecognizer | None = None

    @classmethod
    def proved(cls, asked: ModelAsked, choice: ModelChoice) -> ModelSlot:
        """The model that is asked for, loaded; an error where it fails its golden frames on this machine."""
        slot = cls(open_model(asked.name, asked.said), choice, asked)
        slot.load()
        try:
            with slot.in_use() as recognizer:
                _prove(slot.bundle, recognizer)
        except BaseException:
            slot.__exit__()
            raise
        return slot

    @property
    def name(self) -> str:
        """What it was asked for by."""
        return self.asked.name

    def is_still(self, asked: ModelAsked) -> bool:
        """Whether this is what is asked for: the same words, and the file is the one that was opened."""
        return self.asked == asked and self.file.still_there

    def load(self) -> None:
        """Load the bundle's networks, unless they are; whoever asks for them meanwhile waits."""
        with self._lock:
            self._loaded()

    @contextlib.contextmanager
    def in_use(self) -> Iterator[BundleRecognizer]:
        """The recognizer, which is not exchanged meanwhile."""
        with self._lock:
            yield self._loaded()  # unless it was closed meanwhile

    @property
    def running(self) -> tuple[str, str]:
        """The engine and precision that run."""
        recognizer = self._recognizer  # whoever asks does not wait until a frame is done
        files = [network.file for network in tuple(recognizer.networks.values())] if recognizer is not None else []
        return _all(file.engine for file in files), _all(file.precision for file in files)

    def improve(self, quiet_s: float) -> bool:
        """Let `--engine auto` look for a faster engine for so many seconds; True when there is nothing left to do."""
        with self._lock:
            self.settled = self._recognizer is None or self._recognizer.improve(quiet_s)
        return self.settled

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed of the model and what had to fall back, in words."""
        with self._lock:
            return self._recognizer.notes if self._recognizer is not None else self.bundle.notes

    def __enter__(self) -> ModelSlot:
        return self

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            if self._recognizer is not None:
                self._recognizer.__exit__(None, None, None)
                self._recognizer = None

    def _loaded(self) -> BundleRecognizer:
        """The recognizer, opened where there is none; the caller holds the lock."""
        if self._recognizer is None:
            self._recognizer = self._opened(self.bundle)
        return self._recognizer

    def _opened(self, bundle: Bundle) -> BundleRecognizer:
        choice = self.choice
        options = EngineOptions(threads=choice.threads) if choice.threads else None
        recognizer = BundleRecognizer(
            bundle, engine=choice.engine, precision=choice.precision, options=options, taught=True
        )
        return recognizer.__enter__()


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
