"""Detection: things and where they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..bundle.manifest import Decode, Network
from ..decode.boxes import matched
from ..recognitions import Recognitions
from .rows import describe_rows, draw_rows
from .steady import Unchanged
from .task import Answer, Closeness, Looked, Report, Task

if TYPE_CHECKING:
    from ..datasets.boxset import BoxSet

__all__ = ["TASK"]

_ALL_SCORES = 0.001  # average precision is taken over all scores: the threshold for announcing would cut its tail


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
    evaluated_at=_ALL_SCORES,
)
