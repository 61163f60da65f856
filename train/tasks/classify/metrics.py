"""What a validation says, as pure functions of labels and probabilities; runtime/metrics/ counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.metrics.classification import accuracy, average, class_scores, confusion_matrix, top_k_accuracy
from edgelens.runtime.metrics.interval import wilson

from ...report.score import standard_error

__all__ = [
    "ReliabilityBin",
    "average_precision",
    "calibration_error",
    "log_loss",
    "measure",
    "reliability",
    "roc_auc",
]

Array = NDArray[Any]


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers of about the same confidence: how many, how sure on average, and how many of them were right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def roc_auc(truth: Array, scores: Array) -> float | None:
    """The chance that a positive scores above a negative, ties counting half; None where one of them is missing."""
    truth = np.asarray(truth, bool)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    _, ranks, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2  # the mean rank of equal scores
    return float((middle[ranks][truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(truth: Array, scores: Array) -> float | None:
    """The area under precision over recall, step by step; None without a positive."""
    truth = np.asarray(truth, bool)
    if not truth.any():
        return None
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    hits = np.cumsum(truth[order])
    last = np.append(np.diff(np.asarray(scores)[order]) != 0, True)  # equal scores are one step
    precision = hits[last] / (np.flatnonzero(last) + 1)
    recall = hits[last] / hits[-1]
    return float((np.diff(recall, prepend=0) * precision).sum())


def log_loss(labels: Array, probabilities: Array) -> float:
    """The mean -log of what the true class got."""
    own = np.asarray(probabilities, np.float64)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, 1e-12)).mean())


def reliability(labels: Array, probabilities: Array, bins: int = 15) -> list[ReliabilityBin]:
    """Answers by confidence in bins of equal width; empty bins are left out."""
    confidence = np.asarray(probabilities, np.float64).max(axis=1)
    right = np.asarray(probabilities).argmax(axis=1) == labels
    where = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return [
        ReliabilityBin(
            b / bins, (b + 1) / bins, int(own.sum()), float(confidence[own].mean()), float(right[own].mean())
        )
        for b in range(bins)
        if (own := where == b).any()
    ]


def calibration_error(labels: Array, probabilities: Array, bins: int = 15) -> float:
    """The expected calibration error: how far confidence is from accuracy, a bin's images its weight."""
    parts = reliability(labels, probabilities, bins)
    return sum(part.count * abs(part.accuracy - part.confidence) for part in parts) / max(len(labels), 1)


def measure(labels: Array, probabilities: Array, classes: Sequence[str]) -> dict[str, Any]:
    """Every metric of a validation as JSON: overall, averaged over the classes, and one entry a class.

    What cannot be said (the AUC of a class without images) is null and takes no part in averages.
    """
    labels, probabilities = np.asarray(labels, np.int64), np.asarray(probabilities, np.float64)
    predicted = probabilities.argmax(axis=1)
    scores = class_scores(labels, predicted, len(classes))
    auc = [roc_auc(labels == c, probabilities[:, c]) for c in range(len(classes))]
    precision = [average_precision(labels == c, probabilities[:, c]) for c in range(len(classes))]
    return {
        "images": len(labels),
        "accuracy": accuracy(labels, predicted),
        "accuracy_interval": list(wilson(accuracy(labels, predicted), len(labels))),
        "accuracy_error": standard_error(accuracy(labels, predicted), len(labels)),
        "top5": top_k_accuracy(labels, probabilities, min(5, len(classes))),
        "macro": average(scores, "macro"),
        "weighted": average(scores, "weighted"),
        "auc": _mean(auc),
        "average_precision": _mean(precision),
        "log_loss": log_loss(labels, probabilities),
        "calibration_error": calibration_error(labels, probabilities),
        "confusion": confusion_matrix(labels, predicted, len(classes)).tolist(),
        "classes": [
            {
                "label": name,
                "images": int(scores.support[c]),
                "precision": float(scores.precision[c]),
                "recall": float(scores.recall[c]),
                "f1": float(scores.f1[c]),
                "auc": auc[c],
                "average_precision": precision[c],
            }
            for c, name in enumerate(classes)
        ],
    }


def _mean(values: Sequence[float | None]) -> float | None:
    said = [value for value in values if value is not None]
    return sum(said) / len(said) if said else None
