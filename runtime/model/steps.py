"""A bundle's steps in their order: networks that look at the frame, and networks that look at what those found."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Manifest
from ..preprocess import Region, fit_frame
from ..recognitions import Recognitions
from .crops import crops_of
from .joined import joined, moved_labels
from .network import LoadedNetwork

__all__ = ["Seen", "run_steps"]

STAGES = ("preprocess", "infer", "decode")


@dataclass(frozen=True)
class Seen:
    """What a bundle saw in a frame, how long it took, and which part of the frame it looked at."""

    recognitions: Recognitions
    stages: Mapping[
        str, float
    ]  # milliseconds: preprocess, infer, decode, each the sum of all steps; and every step's own
    view: tuple[int, int, int, int]  # x, y, w, h of the frame
    outputs: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # of the one step there is


@dataclass
class _Clock:
    """Milliseconds a stage and a step."""

    stages: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    last: float = field(default_factory=time.perf_counter)

    ended: float = 0.0  # when the last step did, in milliseconds of work

    def lap(self, stage: str) -> None:
        """The time since the last lap belongs to a stage."""
        now = time.perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + (now - self.last) * 1e3
        self.last = now

    def end_step(self, name: str) -> None:
        """What was done since the step before is this step's own time, kept under its name."""
        done = sum(self.stages[stage] for stage in STAGES)
        self.stages[name], self.ended = done - self.ended, done


def run_steps(
    manifest: Manifest,
    networks: Mapping[str, LoadedNetwork],
    image: NDArray[np.uint8],
    region: Region | None,
    threshold: float | None,
) -> Seen:
    """What a BGR frame shows. A region is of the steps that look at the frame, a threshold the last step's."""
    first, *later = manifest.steps
    network, clock = networks[first.network], _Clock()
    pixels, placement = fit_frame(image, network.network.pixels, region)
    clock.lap("preprocess")
    outputs = network.outputs(pixels)
    clock.lap("infer")
    seen = network.decode(outputs, placement, None if later else threshold)
    clock.lap("decode")
    if not later:
        return Seen(seen, clock.stages, placement.view, outputs)
    return _followed(manifest, networks, image, seen, threshold, clock, placement.view)


@dataclass(frozen=True)
class _Part:
    """One step's rows, the rows that they were found inside, and where both stand among all steps'."""

    seen: Recognitions
    parents: NDArray[np.int32]
    first_row: int = 0
    first_label: int = 0


def _followed(
    manifest: Manifest,
    networks: Mapping[str, LoadedNetwork],
    image: NDArray[np.uint8],
    first: Recognitions,
    threshold: float | None,
    clock: _Clock,
    view: tuple[int, int, int, int],
) -> Seen:
    """The later steps' rows behind the first one's, each with the row it was found inside."""
    parts = {manifest.steps[0].output: _Part(first, np.full(len(first), -1, np.int32))}
    clock.end_step(manifest.steps[0].output)
    for step in manifest.steps[1:]:
        network, source = networks[step.network], parts[step.region or manifest.steps[0].output]
        crops = crops_of(image, source.seen, step, network.network.pixels)
        clock.lap("preprocess")
        outputs = network.outputs_of_many([crop.pixels for crop in crops])
        clock.lap("infer")
        held = threshold if step is manifest.steps[-1] else None
        found = [
            crop.in_frame(network.decode(each, crop.placement, held)) for crop, each in zip(crops, outputs, strict=True)
        ]
        inside = np.repeat([crop.row + source.first_row for crop in crops], [len(each) for each in found])
        last = list(parts.values())[-1]
        parts[step.output] = _Part(
            joined(found, network.network.labels, network.network.task),
            inside.astype(np.int32),
            last.first_row + len(last.seen),
            last.first_label + len(last.seen.labels),
        )
        clock.lap("decode")
        clock.end_step(step.output)
    return Seen(_together(list(parts.values())), clock.stages, view)


def _together(parts: Sequence[_Part]) -> Recognitions:
    """All steps' rows in one vocabulary: the labels of the first step, then of the second, ..."""
    labels = tuple(label for part in parts for label in part.seen.labels)
    rows = [replace(moved_labels(part.seen, part.first_label), parents=part.parents) for part in parts]
    return joined(rows, labels, parts[0].seen.task)
