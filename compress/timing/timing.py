"""The measured-gain gate: candidates timed in turns, so that the machine's mood hits all alike."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.engines.catalog import open_engine
from edgelens.runtime.engines.protocol import EngineOptions

from ..export.artifact import Artifact, input_of
from ..proof.parity import Parity

__all__ = ["FEW_ROUNDS", "ROUNDS", "Timing", "preferred_file", "fastest", "slower_than_twin", "time_artifacts"]

ROUNDS, FEW_ROUNDS = 24, 8  # few where another device's timings decide
ROUND_MS = 8.0
NOISE = 0.03  # two files this close are equally fast


@dataclass(frozen=True)
class Timing:
    """How long one file takes for one picture, engine alone, in milliseconds."""

    path: str
    engine: str
    precision: str
    p50_ms: float
    p95_ms: float
    rounds_ms: tuple[float, ...]  # medians of each round, comparable across files

    def ratio(self, other: Timing) -> float:
        """This file's time over another's, paired by rounds."""
        return float(np.median(np.array(self.rounds_ms) / np.array(other.rounds_ms)))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {"p50_ms": round(self.p50_ms, 5), "p95_ms": round(self.p95_ms, 5)}


def time_artifacts(
    artifacts: Sequence[Artifact], picture: NDArray[np.uint8], *, threads: int = 1, rounds: int = ROUNDS
) -> dict[str, Timing]:
    """Every file's timing on one picture, in interleaved rounds of about 8 ms each."""
    with contextlib.ExitStack() as stack:
        runs = []
        for artifact in artifacts:
            engine = stack.enter_context(open_engine(artifact.engine, artifact.data, EngineOptions(threads=threads)))
            tensor = input_of(picture, artifact.tensor, len(engine.inputs[0].shape))
            first = min(_timed(engine, tensor) for _ in range(8))
            runs.append((artifact, engine, tensor, max(int(ROUND_MS / max(first, 1e-3)), 3)))
        samples: dict[str, list[list[float]]] = {artifact.path: [] for artifact in artifacts}
        for turn in range(rounds):
            for artifact, engine, tensor, times in runs if turn % 2 else reversed(runs):
                samples[artifact.path].append([_timed(engine, tensor) for _ in range(times)])
    return {artifact.path: _timing(artifact, samples[artifact.path]) for artifact in artifacts}


def slower_than_twin(timings: dict[str, Timing]) -> dict[str, float]:
    """Compressed files that are no faster than the float file of the same engine: path → how many times as slow."""
    ratios = {}
    for path, timing in timings.items():
        twin = next(
            (t for t in timings.values() if t.engine == timing.engine and t.precision == "float32"),
            None,
        )
        if twin is not None and twin.path != path and (ratio := timing.ratio(twin)) > 1 + NOISE:
            ratios[path] = ratio
    return ratios


def fastest(timings: dict[str, Timing], allowed: Sequence[str]) -> str:
    """The quickest of the allowed files; among equals the first."""
    best = min(timings[path].p50_ms for path in allowed)
    return next(path for path in allowed if timings[path].p50_ms <= best * (1 + NOISE))


def preferred_file(
    artifacts: Sequence[Artifact], parity: Parity, timings: Mapping[str, Timing], poorer: Mapping[str, str]
) -> tuple[str, list[str]]:
    """The file that `--engine auto` starts with, and what people should know of those it is not."""
    notes: list[str] = []
    timed = dict(timings)
    allowed = [artifact.path for artifact in artifacts if artifact.path in timed]
    for path, ratio in slower_than_twin(timed).items():
        title = parity.of(path).title
        notes.append(f"{title} takes {ratio:.2f} times as long as its float twin: not preferred")
        allowed.remove(path)
    if set(poorer) < {artifact.path for artifact in artifacts}:  # else what is left is the best there is
        notes += [f"{said}: not preferred" for path, said in poorer.items() if path in timed]
        allowed = [path for path in allowed if path not in poorer]
    sizes = {artifact.path: (artifact.engine, artifact.precision, len(artifact.data)) for artifact in artifacts}
    for path, (engine, precision, size) in sizes.items():
        twin = next((n for e, p, n in sizes.values() if e == engine and p == "float32"), None)
        if precision != "float32" and twin is not None and size > twin:
            notes.append(f"{parity.of(path).title} is larger than its float twin ({size:,} bytes after {twin:,})")
    if not allowed:  # nothing gained, or what gained is poorer
        whole = [artifact.path for artifact in artifacts if artifact.path in timed]
        allowed = [path for path in whole if path not in poorer] or whole
    return fastest(timed, allowed), notes


def _timed(engine: Any, tensor: NDArray[Any]) -> float:
    start = time.perf_counter()
    engine.run([tensor])
    return (time.perf_counter() - start) * 1e3


def _timing(artifact: Artifact, samples: list[list[float]]) -> Timing:
    every = np.concatenate([np.array(part) for part in samples])
    medians = tuple(float(np.median(part)) for part in samples)
    p50, p95 = (float(np.percentile(every, q)) for q in (50, 95))
    return Timing(artifact.path, artifact.engine, artifact.precision, p50, p95, medians)
