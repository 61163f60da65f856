"""Detection: things and where they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..bundle.manifest import Decode, Network
from ..decode.boxes import corners_of_xywh, matched, overlaps
from ..recognitions import Recognitions
from .rows import describe_rows, draw_rows
from .steady import Unchanged
from .task import Answer, Closeness, Looked, Report, Task

if TYPE_CHECKING:
    from ..datasets.boxset import BoxSet
    from .asking import Asked, Question, Read

__all__ = ["TASK"]

_ALL_SCORES = 0.001  # average precision is taken over all scores: the threshold for announcing would cut its tail
_MOST_ASKED = 7  # things that are explained at once, the surest: a sheet of two rows
_SAME = 0.5  # overlap of a thing with what is found in its place where less can be seen


def _holds(path: Path, format_name: str | None) -> bool:
    from ..datasets.catalog import holds_boxes

    return holds_boxes(path, format_name)


def _load(path: str, format_name: str | None, split: str | None) -> tuple[BoxSet, str]:
    from ..datasets.catalog import load_boxes  # a camera needs no data set

    return load_boxes(path, format=format_name).for_evaluation(split)


def _evaluate(data: BoxSet, network: Network, answers: Iterable[Looked]) -> Report:
    from .detector_report import evaluate_detector

    return evaluate_detector(data, network, answers)


def _agreement(wanted: Sequence[Answer], found: Sequence[Answer]) -> float:
    """The share of boxes that both find."""
    return matched([answer.seen for answer in wanted], [answer.seen for answer in found])


def _uncertain(seen: Recognitions, decode: Decode, close: Closeness) -> bool:
    """A box that only just passed, by what its own label is held to."""
    held = [decode.least(seen.label(row)) for row in range(len(seen))]
    return any(least and score < least + close.near for least, score in zip(held, seen.scores.tolist(), strict=True))


def _ask(network: Network, answer: Answer, read: Read, label: str | None) -> Asked:
    """Each thing that was found; of a class that was not, what is most like it."""
    from .asking import Asked, named_among

    seen, wanted = answer.seen, None
    if label is not None:
        wanted = named_among(label, [seen.name_of(i) for i in range(len(network.labels))])
        found = np.flatnonzero(seen.ids == wanted)
        if not len(found):
            seen = read(answer.outputs, _ALL_SCORES)
            found = np.flatnonzero(seen.ids == wanted)[:1]
        seen = seen.select(found)
    rows = range(min(len(seen), _MOST_ASKED))
    return Asked(tuple(_question(seen.select(np.array([row])), read) for row in rows), between=", ")


def _question(thing: Recognitions, read: Read) -> Question:
    """How sure the network is of what lies where a thing was found, and is called as it was."""
    from .asking import Outputs, Question

    place = corners_of_xywh(thing.places)

    def sure(outputs: Outputs) -> float:
        seen = read(outputs, _ALL_SCORES)
        there = (seen.ids == thing.ids[0]) & (overlaps(corners_of_xywh(seen.places), place)[:, 0] >= _SAME)
        return float(seen.scores[there].max(initial=0.0))

    return Question(thing.label(), sure, tuple(thing.places[0].tolist()))


TASK = Task(
    "detect",
    load=_load,
    holds=_holds,
    evaluate=_evaluate,
    agreement=_agreement,
    steady=Unchanged,
    draw=draw_rows,
    describe=describe_rows,
    uncertain=_uncertain,
    places=True,
    ask=_ask,
    evaluated_at=_ALL_SCORES,
)
