"""A whole pipeline's score on boxes with classes: what its first step finds has to be called right by its last."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ..bundle.bundle import Bundle
from ..datasets.boxset import BoxSet
from ..engines.protocol import EngineOptions
from ..errors import UsageError
from ..preprocess import Region
from ..recognitions import Recognitions
from ..tasks.catalog import task_of
from ..tasks.detector_report import evaluate_detector
from ..tasks.task import Looked
from .answers import Answers, Progress, stage_percentiles
from .evaluate import Evaluation
from .network import choose_file
from .recognizer import BundleRecognizer

__all__ = ["evaluate_pipeline", "names_boxes"]


def names_boxes(bundle: Bundle) -> bool:
    """Whether a bundle's first step finds things and its last one knows classes for them."""
    steps, networks = bundle.manifest.steps, bundle.manifest.networks
    first, last = networks[steps[0].network], networks[steps[-1].network]
    return len(steps) > 1 and task_of(first.task).places and not task_of(last.task).places and bool(last.labels)


def evaluate_pipeline(
    bundle: Bundle,
    data: BoxSet,
    *,
    engine: str = "auto",
    precision: str | None = None,
    threshold: float | None = None,
    options: EngineOptions | None = None,
    region: Region | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Run all steps over every picture as `run` does; a box counts where the last step's class is the data's.

    Both scores multiplied are a box's; what the last step takes for nothing it knows was not found.
    """
    steps, networks = bundle.manifest.steps, bundle.manifest.networks
    finder, last = networks[steps[0].network], networks[steps[-1].network]
    if not set(data.classes) & set(last.labels):
        raise UsageError(
            f"{data.root}: none of its classes ({', '.join(data.classes[:3])}) is one of {steps[-1].network}'s"
            f" ({', '.join(last.labels[:3])}); --network {steps[0].network} measures what is found alone"
        )
    file = choose_file(finder, engine, precision)
    with BundleRecognizer(
        bundle, engine=file.engine, precision=precision, options=options, region=region
    ) as recognizer:
        answers = Answers(recognizer, data, threshold, progress)
        report = evaluate_detector(data, dataclasses.replace(finder, labels=last.labels), _named(answers, last.labels))
    stages = {"preprocess", "infer", "decode"}  # the steps' own times are the same once more
    times = stage_percentiles([{name: row[name] for name in row if name in stages} for row in answers.times])
    return Evaluation(report, tuple(answers.unreadable), times, file)


def _named(answers: Iterable[Looked], labels: tuple[str, ...]) -> Iterator[Looked]:
    """The first step's boxes under the names that the last one gave them."""
    column = {name: c for c, name in enumerate(labels)}
    for row, size, seen in answers:
        parents = [] if seen.parents is None else seen.parents.tolist()
        inside = [(child, parent) for child, parent in enumerate(parents) if parent >= 0]
        known = [(child, _outermost(parents, parent)) for child, parent in inside if seen.label(child) in column]
        yield (
            row,
            size,
            Recognitions(
                labels,
                np.array([column[seen.label(child)] for child, _ in known], np.intp),
                np.array([seen.scores[child] * seen.scores[thing] for child, thing in known], np.float32),
                boxes=np.array([seen.places[thing] for _, thing in known], np.float32).reshape(-1, 4),
            ),
        )


def _outermost(parents: Sequence[int], row: int) -> int:
    """The thing of the first step that a row lies in, maybe in something else."""
    while parents[row] >= 0:
        row = parents[row]
    return row
