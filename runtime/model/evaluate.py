"""A model's accuracy on a labelled image set, through the very code path the camera uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import ModelFile
from ..datasets.imageset import ImageSet
from ..engines.protocol import EngineOptions
from ..errors import DataError, ModelError
from ..metrics.classification import ClassScores, accuracy, average, class_scores, confusion_matrix, top_k_accuracy
from ..preprocess import Region
from ..recognitions import UNKNOWN_ID
from .evaluate_images import Answers
from .network import LoadedNetwork, StageTimes

__all__ = ["ClassifierReport", "LabelMatch", "evaluate_classifier", "match_labels", "stage_percentiles"]


@dataclass(frozen=True)
class LabelMatch:
    """Which of a model's columns answers each class of a data set; -1 for a class that the model does not know."""

    columns: NDArray[np.intp]  # (classes,)
    how: str  # "name" or "index"

    @property
    def unknown(self) -> NDArray[np.intp]:
        """The data set's classes that the model has no column for."""
        return np.flatnonzero(self.columns < 0)


@dataclass(frozen=True)
class ClassifierReport:
    """What a classifier got right: the plain top-1 among the data set's classes, rejection counted apart."""

    classes: tuple[str, ...]
    labels: NDArray[np.int32]  # (N,) the truth
    predicted: NDArray[np.int32]  # (N,) the best among the data set's classes
    scores: NDArray[np.float32]  # (N, classes) the model's probabilities
    rejected: NDArray[np.bool_]  # (N,) whether the model said "unknown"
    rows: NDArray[np.intp]  # (N,) which rows of the image set these are
    unreadable: tuple[str, ...]  # one line each
    stages_ms: dict[str, dict[str, float]]
    match: LabelMatch
    file: ModelFile

    @property
    def accuracy(self) -> float:
        """Top-1, 0 to 1."""
        return accuracy(self.labels, self.predicted)

    @property
    def per_class(self) -> ClassScores:
        """Precision, recall, F1 and the number of images of every class."""
        return class_scores(self.labels, self.predicted, len(self.classes))

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON types."""
        scores = self.per_class
        kept = ~self.rejected
        return {
            "task": "classify",
            "accuracy": self.accuracy,
            "top5": top_k_accuracy(self.labels, self.scores, 5),
            "images": len(self.labels),
            "right": int((self.labels == self.predicted).sum()),
            "unreadable": len(self.unreadable),
            "rejected": int(self.rejected.sum()),
            "accuracy_of_accepted": accuracy(self.labels[kept], self.predicted[kept]) if kept.any() else None,
            "macro": average(scores, "macro"),
            "weighted": average(scores, "weighted"),
            "classes": list(self.classes),
            "per_class": [
                {
                    "class": name,
                    "precision": float(scores.precision[c]),
                    "recall": float(scores.recall[c]),
                    "f1": float(scores.f1[c]),
                    "images": int(scores.support[c]),
                }
                for c, name in enumerate(self.classes)
            ],
            "confusion": confusion_matrix(self.labels, self.predicted, len(self.classes)).tolist(),
            "labels_matched_by": self.match.how,
            "unknown_classes": [self.classes[c] for c in self.match.unknown],
            "stages_ms": self.stages_ms,
            "engine": self.file.engine,
            "precision": self.file.precision,
        }


def evaluate_classifier(
    bundle: Bundle,
    file: ModelFile,
    images: ImageSet,
    *,
    options: EngineOptions | None = None,
    region: Region | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ClassifierReport:
    """Run one model file over every image; what cannot be decoded is left out and named."""
    network = bundle.manifest.main
    rows: list[int] = []
    probabilities: list[NDArray[Any]] = []
    rejected: list[bool] = []
    with LoadedNetwork(bundle, network, file, options) as loaded:
        answers = Answers(loaded, images, region=region, progress=progress)
        for i, _, seen in answers:
            if "probabilities" not in seen.maps:
                raise ModelError(
                    f"{file.path}: is no classifier: its decoder {network.decode.decoder!r} gives no classes"
                )
            rows.append(i)
            probabilities.append(seen.maps["probabilities"])
            rejected.append(bool(len(seen)) and int(seen.ids[0]) == UNKNOWN_ID)
    match = match_labels(images.classes, network.labels, len(probabilities[0]))
    scores = _of_classes(np.stack(probabilities), match)
    picked = np.array(rows, np.intp)
    return ClassifierReport(
        images.classes,
        images.labels[picked],
        scores.argmax(axis=1).astype(np.int32),
        scores,
        np.array(rejected),
        picked,
        tuple(answers.unreadable),
        stage_percentiles(answers.times),
        match,
        file,
    )


def match_labels(classes: Sequence[str], labels: Sequence[str], outputs: int) -> LabelMatch:
    """The model's column of every class: by name where all names are there, else by index where no name contradicts it.

    A model without labels has its class numbers for names. Where neither fits, the names that are there count, and a
    class without one is always wrong.
    """
    names = [label.strip().casefold() for label in labels] or [str(c) for c in range(outputs)]
    place = {name: c for c, name in reversed(list(enumerate(names[:outputs])))}
    by_name = np.array([place.get(name.strip().casefold(), -1) for name in classes], np.intp)
    if (by_name >= 0).all():
        return LabelMatch(by_name, "name")
    by_index = np.arange(len(classes))
    if len(classes) <= outputs and ((by_name < 0) | (by_name == by_index)).all():
        return LabelMatch(by_index.astype(np.intp), "index")
    if (by_name < 0).all():
        raise DataError(
            f"the data has {len(classes)} classes ({', '.join(classes[:3])}, …) and the model {outputs}"
            f" ({', '.join(names[:3])}, …): neither their names nor their numbers fit; name the model's with --labels"
        )
    return LabelMatch(by_name, "name")


def stage_percentiles(times: Sequence[StageTimes]) -> dict[str, dict[str, float]]:
    """p50, p95 and p99 of every stage and of their sum, in milliseconds."""
    table = {name: np.array([getattr(t, name) for t in times]) for name in ("preprocess", "infer", "decode")}
    table["total"] = sum(table.values(), np.zeros(len(times)))
    return {
        name: {f"p{q}": round(float(np.percentile(values, q)), 4) for q in (50, 95, 99)}
        for name, values in table.items()
    }


def _of_classes(answers: NDArray[Any], match: LabelMatch) -> NDArray[np.float32]:
    """(N, classes): the columns of the data set's classes; a class that the model does not know scores below all."""
    scores = answers[:, np.maximum(match.columns, 0)].astype(np.float32)
    scores[:, match.columns < 0] = -1
    return scores
