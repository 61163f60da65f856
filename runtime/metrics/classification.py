"""Classification metrics as pure functions of arrays; training reuses them, so that both sides count alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClassScores", "accuracy", "average", "class_scores", "confusion_matrix", "top_k_accuracy"]


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall, F1 and the number of images, one value a class; 0 where a ratio has nothing to divide by."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.int64]


def accuracy(labels: NDArray[Any], predicted: NDArray[Any]) -> float:
    """The share of labels that were predicted; 0 for no labels."""
    return float((labels == predicted).mean()) if len(labels) else 0.0


def top_k_accuracy(labels: NDArray[Any], scores: NDArray[Any], k: int) -> float:
    """The share of labels among the k best-scored columns of (N, C); of equal scores the lower column wins."""
    if not len(labels):
        return 0.0
    best = np.argsort(-np.asarray(scores, np.float64), axis=1, kind="stable")[:, :k]
    return float((best == np.asarray(labels)[:, None]).any(axis=1).mean())


def confusion_matrix(labels: NDArray[Any], predicted: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """(classes, classes) counts: rows are the truth, columns what was said; a prediction below 0 counts nowhere."""
    inside = np.asarray(predicted) >= 0
    pairs = np.asarray(labels)[inside].astype(np.int64) * classes + np.asarray(predicted)[inside]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def class_scores(labels: NDArray[Any], predicted: NDArray[Any], classes: int) -> ClassScores:
    """Precision, recall and F1 of every class."""
    matrix = confusion_matrix(labels, predicted, classes)
    right = np.diag(matrix).astype(np.float64)
    support = np.bincount(np.asarray(labels, np.int64), minlength=classes)
    precision = _ratio(right, matrix.sum(axis=0))
    recall = _ratio(right, support)
    return ClassScores(precision, recall, _ratio(2 * precision * recall, precision + recall), support)


def average(scores: ClassScores, how: str) -> dict[str, float]:
    """Precision, recall and F1 over the classes: `macro` weighs each class alike, `weighted` by its images.

    Classes without an image do not take part.
    """
    there = scores.support > 0
    weights = (there if how == "macro" else scores.support).astype(np.float64)
    if not weights.any():
        return {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    return {name: float(np.average(getattr(scores, name), weights=weights)) for name in ("precision", "recall", "f1")}


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.divide(above, below, out=np.zeros(len(above)), where=np.asarray(below) > 0), np.float64)
