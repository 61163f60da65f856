"""A detector's figures as JSON: average precision as COCO counts it, by class and size, and at its own thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.metrics.detection import AREAS, average_precision

from ...data.targets import Targets
from .answers import found_boxes, truth_of
from .settle import curves_of

__all__ = ["measure"]


def measure(rows: NDArray[np.float32], targets: Targets, classes: Sequence[str], decode: Decode) -> dict[str, Any]:
    """Figures of what was found in a split, in pixels of the network's picture."""
    found, truth = found_boxes(rows), truth_of(targets)
    scores = average_precision(truth, found, len(classes))
    curves = curves_of(found, truth, len(classes))
    per_class = []
    for c, (name, curve) in enumerate(zip(classes, curves, strict=True)):
        threshold = decode.least(name)
        passed = int((curve.scores >= threshold).sum())
        per_class.append(
            {
                "label": name,
                "boxes": curve.wanted,
                "map50": _or_none(scores.of_class(c, 0.5)),
                "map50_95": _or_none(scores.of_class(c)),
                "threshold": threshold,
                "precision": float(curve.precision[passed - 1]) if passed else None,
                "recall": float(curve.recall[passed - 1]) if passed else 0.0,
                "f1": float(curve.f1[passed - 1]) if passed else 0.0,
            }
        )
    return {
        "images": len(targets),
        "boxes": int(sum(curve.wanted for curve in curves)),
        "map50_95": _or_none(scores.mean()),
        "map50": _or_none(scores.mean(iou=0.5)),
        "map75": _or_none(scores.mean(iou=0.75)),
        "recall": _or_none(scores.mean_recall()),
        "by_size": {area: _or_none(scores.mean(area)) for area in AREAS if area != "all"},
        "classes": per_class,
    }


def _or_none(value: float) -> float | None:
    return value if value >= 0 else None
