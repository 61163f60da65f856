"""Which measurements a `bench` of some models is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.manifest import ModelFile, Network
from edgelens.runtime.bundle.signature import check_accepted, check_bare_accepted
from edgelens.runtime.engines.catalog import available
from edgelens.runtime.errors import ModelError, UsageError, WorkError
from edgelens.runtime.model.bare import read_model
from edgelens.runtime.model.open import open_model

from .picture import picture_of, shape_of
from .spec import Target

__all__ = ["Case", "Selection", "cases_of", "check_model", "thread_counts"]

_ENGINE_OF = {".onnx": "onnxruntime", ".tflite": "tflite"}


@dataclass(frozen=True)
class Selection:
    """Which of a model's files are measured, on how many threads, and how a bare file wants its pixels."""

    engine: str = "auto"  # "auto": every engine that is installed
    precision: str | None = None
    threads: tuple[int, ...] | None = None  # None: 1, and the preferred file on 2, 4, … up to every core
    preferred_only: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One row of the report: a model file on an engine with so many threads."""

    model: str  # as it was asked for
    entry: str
    precision: str
    sha256: str
    bytes: int
    target: Target
    runs_end_to_end: bool  # a bare file that no decoder fits still has an inference to time
    size: tuple[int, int] | None = None  # width and height, where the file leaves them free
    step: str = ""  # whose network it is, of a pipeline

    @property
    def key(self) -> tuple[str, str, str, str, int, tuple[int, int] | None]:
        """What makes a row the same row in another report."""
        return Path(self.model).name, self.step, self.target.engine, self.precision, self.target.threads, self.size

    @property
    def name(self) -> str:
        """The row in words."""
        threads = self.target.threads
        size = "" if self.size is None else f" at {self.size[0]}x{self.size[1]}"
        plural = "s" if threads > 1 else ""
        what = f"{Path(self.model).name} {self.step}".rstrip() + size
        return f"{what} {self.target.engine} {self.precision} {threads} thread{plural}"


def cases_of(model: str, choice: Selection, cores: int, folder: Path) -> list[Case]:
    """A model's cases, its files written into a folder that measuring processes read."""
    if _is_bare(model):
        check_bare_accepted(model)
        return _bare(model, choice, cores, folder)
    bundle = open_model(model, **choice.options)
    check_accepted(bundle)
    roles = bundle.manifest.networks
    return [case for role in roles for case in _of_network(model, bundle, role, choice, cores, folder)]


def check_model(model: str, choice: Selection) -> None:
    """Refuse what could not be measured, on whatever machine."""
    if _is_bare(model):
        _engine_of(model, choice)
        picture_of(Path(model), read_model(Path(model))[1], choice.options)
    else:
        open_model(model, **choice.options)


def _is_bare(model: str) -> bool:
    return Path(model).suffix.lower() in _ENGINE_OF and Path(model).exists()


def _engine_of(model: str, choice: Selection) -> str:
    """The engine that a bare file runs on."""
    engine = _ENGINE_OF[Path(model).suffix.lower()]
    if choice.engine not in ("auto", engine):
        raise UsageError(f"{model}: runs on {engine}, not on {choice.engine}")
    return engine


def _of_network(model: str, bundle: Bundle, role: str, choice: Selection, cores: int, folder: Path) -> Iterator[Case]:
    """The cases of one of a bundle's networks: a step's time is its network's."""
    networks = bundle.manifest.networks
    network, step = networks[role], role if len(networks) > 1 else ""
    ranked = sorted(_chosen(network, choice, model), key=lambda file: file.path != network.preferred)
    for i, file in enumerate(ranked[:1] if choice.preferred_only else ranked):
        target = _written(bundle.read(file.path), file.sha256[:16] + (Path(file.path).suffix or ".bin"), folder)
        shape = shape_of(network, file)  # of a model file that leaves its picture's size free
        for n in thread_counts(choice.threads, cores, sweep=i == 0):
            placed = Target(target, file.engine, n, shape)
            yield Case(model, file.path, file.precision, file.sha256, file.bytes, placed, True, step=step)


def thread_counts(asked: Sequence[int] | None, cores: int, *, sweep: bool) -> tuple[int, ...]:
    """The thread counts to measure: those asked for, else 1, 2, 4 … and all cores."""
    if asked:
        return tuple(asked)
    if not sweep:
        return (1,)
    powers = {1 << i for i in range(cores.bit_length()) if 1 << i <= cores}
    return tuple(sorted(powers | {cores}))


def _bare(model: str, choice: Selection, cores: int, folder: Path) -> list[Case]:
    path = Path(model)
    engine = _engine_of(model, choice)
    if not available(engine):
        raise ModelError(f"{model}: the engine {engine} is not installed here")
    data, file = read_model(path)
    picture = picture_of(path, file, choice.options)
    digest = hashlib.sha256(data).hexdigest()
    target = _written(data, f"{digest[:16]}{path.suffix}", folder) if file.external else str(path)
    return [
        Case(
            model,
            path.name,
            picture.precision,
            digest,
            len(data),
            Target(target, engine, n, picture.shape),
            picture.decoded,
            picture.size,
        )
        for n in thread_counts(choice.threads, cores, sweep=True)
    ]


def _chosen(network: Network, choice: Selection, model: str) -> list[ModelFile]:
    files = [
        file
        for file in network.files
        if choice.engine in ("auto", file.engine) and choice.precision in (None, file.precision)
    ]
    there = ", ".join(f"{file.engine} {file.precision}" for file in network.files)
    if not files:
        asked = f"--engine {choice.engine} --precision {choice.precision or 'any'}"
        raise UsageError(f"{model}: has no model file for {asked}; there are: {there}")
    installed = [file for file in files if available(file.engine)]
    if not installed:
        raise ModelError(f"{model}: none of its engines is installed here ({there})")
    return installed


def _written(data: bytes, name: str, folder: Path) -> str:
    target = folder / name
    if not target.exists():
        try:
            target.write_bytes(data)
        except OSError as error:
            raise WorkError(
                f"{folder}: could not be written ({error.strerror}): free space there, or set TMPDIR"
            ) from None
    return str(target)
