"""The steps that look at what earlier ones found: crops, each step's rows, and all rows together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Manifest
from ..recognitions import Recognitions
from .crops import crops_of
from .joined import joined, moved_labels
from .network import LoadedNetwork
from .seen import Clock, Seen

if TYPE_CHECKING:
    from ..track.memory import TrackMemory

__all__ = ["followed"]


@dataclass(frozen=True)
class _Part:
    """One step's rows, the rows that they were found inside, and where both stand among all steps'."""

    seen: Recognitions
    parents: NDArray[np.int32]
    first_row: int = 0
    first_label: int = 0


def followed(
    manifest: Manifest,
    networks: Mapping[str, LoadedNetwork],
    image: NDArray[np.uint8],
    first: Recognitions,
    threshold: float | None,
    clock: Clock,
    view: tuple[int, int, int, int],
    *,
    memory: TrackMemory | None = None,
) -> Seen:
    """The later steps' rows behind the first one's, each with the row it was found inside.

    Where things are followed, `memory` has what steps of `every: track` said of them.
    """
    parts = {manifest.steps[0].output: _Part(first, np.full(len(first), -1, np.int32))}
    clock.end_step(manifest.steps[0].output)
    for step in manifest.steps[1:]:
        network, source = networks[step.network], parts[step.region or manifest.steps[0].output]
        known = memory.recall(step.output, source.seen) if memory is not None and step.every == "track" else {}
        crops = crops_of(image, source.seen, step, network.network.pixels, without=known)
        clock.lap("preprocess")
        outputs = network.outputs_of_many([crop.pixels for crop in crops])
        clock.lap("infer")
        held = threshold if step is manifest.steps[-1] else None
        inside_each = [
            crop.in_frame(network.decode(each, crop.placement, held)) for crop, each in zip(crops, outputs, strict=True)
        ]
        told = known | {crop.row: each for crop, each in zip(crops, inside_each, strict=True)}
        if memory is not None:
            for crop, each in zip(crops, inside_each, strict=True):
                memory.keep(step.output, source.seen, crop.row, each)
        inside = np.repeat([row + source.first_row for row in sorted(told)], [len(told[row]) for row in sorted(told)])
        last = list(parts.values())[-1]
        parts[step.output] = _Part(
            joined([told[row] for row in sorted(told)], network.network.labels, network.network.task),
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
