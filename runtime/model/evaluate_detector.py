"""A detector's mean average precision on images with boxes, through the very code path the camera uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import ModelFile
from ..datasets.boxset import BoxSet
from ..engines.protocol import EngineOptions
from ..errors import ModelError
from ..metrics.detection import Boxes, DetectionScores, average_precision
from ..preprocess import Region
from .evaluate import LabelMatch, match_labels, stage_percentiles
from .evaluate_images import Answers
from .network import LoadedNetwork

__all__ = ["DetectorReport", "evaluate_detector"]

THRESHOLD = 0.001  # average precision is taken over all scores: the settings for announcing would cut its tail


@dataclass(frozen=True)
class DetectorReport:
    """How well a detector's boxes fit the truth, as COCO counts it."""

    classes: tuple[str, ...]
    truth: Boxes
    found: Boxes
    scores: DetectionScores
    images: int
    empty: tuple[str, ...]  # boxes of the data without area, one line each
    unreadable: tuple[str, ...]
    stages_ms: dict[str, dict[str, float]]
    match: LabelMatch
    file: ModelFile

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON types; `accuracy` is mAP50-95, so that one key serves every task."""
        scores, wanted = self.scores, np.bincount(self.truth.labels, minlength=len(self.classes))
        return {
            "task": "detect",
            "accuracy": max(scores.mean(), 0.0),
            "map50_95": _or_none(scores.mean()),
            "map50": _or_none(scores.mean(iou=0.5)),
            "map75": _or_none(scores.mean(iou=0.75)),
            "by_size": {area: _or_none(scores.mean(area)) for area in ("small", "medium", "large")},
            "recall": _or_none(scores.mean_recall()),
            "images": self.images,
            "boxes": len(self.truth.labels),
            "found": len(self.found.labels),
            "empty_boxes": len(self.empty),
            "unreadable": len(self.unreadable),
            "classes": list(self.classes),
            "per_class": [
                {
                    "class": name,
                    "map50_95": _or_none(scores.of_class(c)),
                    "map50": _or_none(scores.of_class(c, 0.5)),
                    "boxes": int(wanted[c]),
                }
                for c, name in enumerate(self.classes)
            ],
            "labels_matched_by": self.match.how,
            "unknown_classes": [self.classes[c] for c in self.match.unknown],
            "stages_ms": self.stages_ms,
            "engine": self.file.engine,
            "precision": self.file.precision,
        }


def evaluate_detector(
    bundle: Bundle,
    file: ModelFile,
    images: BoxSet,
    *,
    threshold: float | None = None,
    options: EngineOptions | None = None,
    region: Region | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> DetectorReport:
    """Run one model file over every image; what cannot be decoded is left out, with its boxes, and named."""
    network = bundle.manifest.main
    match = match_labels(images.classes, network.labels, len(network.labels) or len(images.classes))
    class_of = {int(column): c for c, column in enumerate(match.columns) if column >= 0}
    found: list[tuple[int, int, NDArray[Any], float]] = []
    sizes: dict[int, tuple[int, int]] = {}
    with LoadedNetwork(bundle, network, file, options) as loaded:
        lowest = THRESHOLD if threshold is None else threshold
        answers = Answers(loaded, images, region=region, threshold=lowest, progress=progress)
        for i, size, seen in answers:
            if seen.boxes is None:
                raise ModelError(f"{file.path}: is no detector: its decoder {network.decode.decoder!r} gives no boxes")
            sizes[i] = size
            for label, box, score in zip(seen.ids.tolist(), seen.boxes, seen.scores.tolist(), strict=True):
                if label in class_of:
                    found.append((i, class_of[label], box, score))
    truth, boxes = _truth(images, sizes), _found(found)
    scores = average_precision(truth, boxes, len(images.classes))
    return DetectorReport(
        images.classes,
        truth,
        boxes,
        scores,
        len(sizes),
        images.empty,
        tuple(answers.unreadable),
        stage_percentiles(answers.times),
        match,
        file,
    )


def _truth(images: BoxSet, sizes: dict[int, tuple[int, int]]) -> Boxes:
    rows = [(i, images.boxes[i], images.boxes[i].in_pixels(*size)) for i, size in sizes.items()]
    return Boxes(
        np.concatenate([np.full(len(known), i, np.int64) for i, known, _ in rows]),
        np.concatenate([known.labels for _, known, _ in rows]),
        np.concatenate([boxes for _, _, boxes in rows]),
        crowd=np.concatenate([known.crowd for _, known, _ in rows]),
        areas=np.concatenate(
            [boxes[:, 2] * boxes[:, 3] if known.areas is None else known.areas for _, known, boxes in rows]
        ),
    )


def _found(found: list[tuple[int, int, NDArray[Any], float]]) -> Boxes:
    return Boxes(
        np.array([image for image, _, _, _ in found], np.int64),
        np.array([label for _, label, _, _ in found], np.int64),
        np.array([box for _, _, box, _ in found], np.float64).reshape(-1, 4),
        scores=np.array([score for _, _, _, score in found], np.float64),
    )


def _or_none(value: float) -> float | None:
    return value if value >= 0 else None
