"""What a classifier got right on a labelled image set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..datasets.imageset import ImageSet
from ..errors import ModelError
from ..metrics.classification import ClassScores, accuracy, average, class_scores, confusion_matrix, top_k_accuracy
from ..metrics.interval import percent, wilson
from ..recognitions import UNKNOWN_ID
from .label_match import LabelMatch, match_labels
from .task import Looked, Table

__all__ = ["ClassifierReport", "evaluate_classifier"]

_MOST_CONFUSED = 20  # classes up to which the whole confusion matrix is readable


@dataclass(frozen=True)
class ClassifierReport:
    """The plain top-1 among the data set's classes; rejection is counted apart."""

    classes: tuple[str, ...]
    labels: NDArray[np.int32]  # (N,) the truth
    predicted: NDArray[np.int32]  # (N,) the best among the data set's classes
    scores: NDArray[np.float32]  # (N, classes) the model's probabilities
    rejected: NDArray[np.bool_]  # (N,) whether the model said "unknown"
    rows: NDArray[np.intp]  # (N,) which rows of the image set these are
    match: LabelMatch

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
        return {
            "task": "classify",
            "accuracy": self.accuracy,
            "accuracy_interval": list(wilson(self.accuracy, len(self.labels))),
            "top5": top_k_accuracy(self.labels, self.scores, 5),
            "images": len(self.labels),
            "right": int((self.labels == self.predicted).sum()),
            "rejected": int(self.rejected.sum()),
            "accuracy_of_accepted": self._accuracy_of_accepted(),
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
        }

    def tables(self) -> list[Table]:
        """Every class's figures, and the confusion matrix where it is readable."""
        scores = self.per_class
        rows: list[tuple[Any, ...]] = [
            (
                name,
                f"{scores.precision[c]:.4f}",
                f"{scores.recall[c]:.4f}",
                f"{scores.f1[c]:.4f}",
                int(scores.support[c]),
            )
            for c, name in enumerate(self.classes)
        ]
        for how in ("macro", "weighted"):
            mean = average(scores, how)
            figures = (f"{mean[name]:.4f}" for name in ("precision", "recall", "f1"))
            rows.append((f"{how} mean", *figures, len(self.labels)))
        shown = [Table(("class", "precision", "recall", "F1", "images"), tuple(rows))]
        if len(self.classes) <= _MOST_CONFUSED:
            matrix = confusion_matrix(self.labels, self.predicted, len(self.classes)).tolist()
            title = "confusion (rows: the truth, columns: the answer, in the order above)"
            body = tuple((name, *row) for name, row in zip(self.classes, matrix, strict=True))
            shown.append(Table((), body, title))
        return shown

    def lines(self) -> list[str]:
        """Rejections and how labels were matched; at the end the figures in a few words."""
        lines = []
        if self.rejected.any():
            accepted = self._accuracy_of_accepted()
            kept = int((~self.rejected).sum())
            rest = "" if accepted is None else f"; of those accepted {percent(accepted, kept)} are right"
            lines.append(f"{int(self.rejected.sum())} images would be rejected as unknown{rest}")
        top5 = top_k_accuracy(self.labels, self.scores, 5)
        count = len(self.labels)
        figures = f"top-1 {percent(self.accuracy, count)}, top-5 {percent(top5, count)}"
        said = self.match.said(self.classes, self.per_class.support, "images count as wrong")
        return [*lines, *said, figures]

    def _accuracy_of_accepted(self) -> float | None:
        kept = ~self.rejected
        return accuracy(self.labels[kept], self.predicted[kept]) if kept.any() else None


def evaluate_classifier(images: ImageSet, network: Network, answers: Iterable[Looked]) -> ClassifierReport:
    """Hold a classifier's answers against the images' classes."""
    rows: list[int] = []
    probabilities: list[NDArray[Any]] = []
    rejected: list[bool] = []
    for i, _, seen in answers:
        if "probabilities" not in seen.maps:
            raise ModelError(f"is no classifier: its decoder {network.decode.decoder!r} gives no classes")
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
        match,
    )


def _of_classes(answers: NDArray[Any], match: LabelMatch) -> NDArray[np.float32]:
    """(N, classes): the columns of the data set's classes; a class that the model does not know scores below all."""
    scores = answers[:, np.maximum(match.columns, 0)].astype(np.float32)
    scores[:, match.columns < 0] = -1
    return scores
