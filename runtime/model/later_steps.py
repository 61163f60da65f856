"""The steps that look at what earlier ones found: crops, each step's rows, and all rows together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Manifest
from ..recognitions import Recognitions
from .crops import Crop, crops_of
from .joined import joined, moved_labels
from .network import LoadedNetwork, Outputs
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
        network, region = networks[step.network], step.region or manifest.steps[0].output
        source = parts[region]
        held = threshold if step is manifest.steps[-1] else None
        once = memory is not None and step.every == "track" and source.seen.track_ids is not None
        votes = _Votes(memory, step.output, source.seen, network, held, view) if memory is not None and once else None
        known = {} if votes is None else votes.known
        crops = crops_of(image, source.seen, step, network.network.pixels, without=known)
        clock.lap("preprocess")
        outputs = network.outputs_of_many([crop.pixels for crop in crops])
        clock.lap("infer")
        seen = votes.told if votes is not None else _at_once(network, held)
        told = known | {crop.row: seen(crop, each) for crop, each in zip(crops, outputs, strict=True)}
        if votes is not None:
            parts[region] = replace(source, seen=votes.renumbered())
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


def _at_once(network: LoadedNetwork, threshold: float | None) -> Callable[[Crop, Outputs], Recognitions]:
    """What a crop shows, whatever was seen before."""
    return lambda crop, outputs: crop.in_frame(network.decode(outputs, crop.placement, threshold))


class _Votes:
    """One step's answers on things that are followed: what is known of them, and what a new look adds."""

    def __init__(
        self,
        memory: TrackMemory,
        step: str,
        things: Recognitions,
        network: LoadedNetwork,
        threshold: float | None,
        view: tuple[int, int, int, int],
    ) -> None:
        from .voting import NetworkVoter  # where nothing is followed nobody votes

        self._memory, self._step, self._things, self._view = memory, step, things, view
        self._voter = NetworkVoter(network, threshold)
        self.known = memory.recall(step, things, self._voter)

    def told(self, crop: Crop, outputs: Outputs) -> Recognitions:
        """What is said of a crop's thing, with this look at it."""
        box, at = self._things.places[crop.row], self._memory.now
        look = self._voter.look(crop, outputs, box=box, at=at, view=self._view)
        return self._memory.keep(self._step, self._things, crop.row, look, voter=self._voter)

    def renumbered(self) -> Recognitions:
        """The things, those that were lost and are known again with the numbers that they had."""
        numbers = self._things.track_ids
        if numbers is None or not self._memory.back:
            return self._things
        had = [self._memory.back.get(number, number) for number in numbers.tolist()]
        return replace(self._things, track_ids=np.array(had, np.int32))


def _together(parts: Sequence[_Part]) -> Recognitions:
    """All steps' rows in one vocabulary: the labels of the first step, then of the second, ..."""
    labels = tuple(label for part in parts for label in part.seen.labels)
    rows = [replace(moved_labels(part.seen, part.first_label), parents=part.parents) for part in parts]
    return joined(rows, labels, parts[0].seen.task)
