"""How well a detector's boxes fit a data set's, as COCO counts it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..datasets.boxset import BoxSet, ImageBoxes
from ..errors import ModelError
from ..metrics.detection import Boxes, DetectionScores, average_precision
from ..preprocess import PixelContract
from .drawn_twice import drawn_twice
from .label_match import LabelMatch, match_labels
from .task import Looked, Table

__all__ = ["DetectorReport", "evaluate_detector"]

_SEEN = 8.0  # pixels of a network's picture under which hardly any detector finds a thing
_WHY = "`inspect` names the right decoder and picture (--decode, --mean, --std, --color) and --labels fits the data"


@dataclass(frozen=True)
class DetectorReport:
    """Mean average precision, by class and by size."""

    classes: tuple[str, ...]
    truth: Boxes
    found: Boxes
    scores: DetectionScores
    images: int
    empty: tuple[str, ...]  # boxes of the data without area, one line each
    match: LabelMatch
    pixels: float = math.inf  # of the network's picture that the shorter side of the data's boxes has, the median
    doubled: int = 0  # boxes of the data that are another one again, which no detector finds a second time
    beyond: int | None = None  # the highest class that was found and that no label or class of the data stands for

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON types; `accuracy` is mAP50-95, so that one key serves every task."""
        scores = self.scores
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
            "classes": list(self.classes),
            "per_class": self._per_class(),
            "labels_matched_by": self.match.how,
            "unknown_classes": [self.classes[c] for c in self.match.unknown],
        }

    def tables(self) -> list[Table]:
        """Every class that has boxes."""
        rows = tuple(
            (row["class"], _shown(row["map50"]), _shown(row["map50_95"]), row["boxes"])
            for row in self._per_class()
            if row["boxes"]
        )
        return [Table(("class", "mAP50", "mAP50-95", "boxes"), rows)]

    def lines(self) -> list[str]:
        """What was passed over and how labels were matched; at the end the figures in a few words."""
        lines = [f"{len(self.empty)} boxes of the data have no area and are passed over"] if self.empty else []
        if self.doubled:
            lines.append(f"{self.doubled} boxes of the data are drawn twice and taken once")
        if self.scores.mean(iou=0.5) == 0:
            seen = f"{len(self.found.labels)} were found" if len(self.found.labels) else "none was found at all"
            lines.append(f"not one box of the data was found ({seen}): {self._hint()}")
        if self.beyond is not None:
            lines.append(
                f"the model answers with class {self.beyond} where the data has {len(self.classes)}: its numbers are"
                " not the data's order, and these figures say little; name its classes with --labels"
            )
        half, mean = (_shown(_or_none(value)) for value in (self.scores.mean(iou=0.5), self.scores.mean()))
        figures = f"mAP50 {half}, mAP50-95 {mean}, {len(self.truth.labels)} boxes"
        return [*lines, *self.match.said(self.classes, self._wanted(), "boxes count as missed"), figures]

    def _hint(self) -> str:
        """What to look at where nothing was found."""
        if self.pixels >= _SEEN:
            return f"see whether {_WHY}"
        tiles = math.ceil(_SEEN / max(self.pixels, 0.5))
        small = f"half of the boxes are less than {self.pixels:.1f} pixels wide or high in its picture"
        return f"{small}; look closer with --tile {tiles}, or train with a larger --size"

    def _wanted(self) -> NDArray[np.intp]:
        return np.bincount(self.truth.labels, minlength=len(self.classes))

    def _per_class(self) -> list[dict[str, Any]]:
        wanted = self._wanted()
        return [
            {
                "class": name,
                "map50_95": _or_none(self.scores.of_class(c)),
                "map50": _or_none(self.scores.of_class(c, 0.5)),
                "boxes": int(wanted[c]),
            }
            for c, name in enumerate(self.classes)
        ]


def evaluate_detector(images: BoxSet, network: Network, answers: Iterable[Looked]) -> DetectorReport:
    """Hold a detector's boxes against the data set's; pictures that cannot be decoded take no part."""
    match = match_labels(images.classes, network.labels, len(network.labels) or len(images.classes))
    class_of = {int(column): c for c, column in enumerate(match.columns) if column >= 0}
    found: list[tuple[int, int, NDArray[Any], float]] = []
    highest = -1
    sizes: dict[int, tuple[int, int]] = {}
    for i, size, seen in answers:
        if seen.boxes is None:
            raise ModelError(f"is no detector: its decoder {network.decode.decoder!r} gives no boxes")
        sizes[i] = size
        highest = max(highest, int(seen.ids.max(initial=-1)))
        for label, box, score in zip(seen.ids.tolist(), seen.boxes, seen.scores.tolist(), strict=True):
            if label in class_of:
                found.append((i, class_of[label], box, score))
    drawn = {i: _once(images.boxes[i], size) for i, size in sizes.items()}
    truth, boxes = _truth(drawn), _found(found)
    doubled = sum(len(images.boxes[i]) for i in drawn) - len(truth.labels)
    scores = average_precision(truth, boxes, len(images.classes))
    beyond = highest if not network.labels and highest >= len(images.classes) else None
    pixels = _pixels(truth, sizes, network.pixels)
    return DetectorReport(
        images.classes, truth, boxes, scores, len(sizes), images.empty, match, pixels, doubled, beyond
    )


def _pixels(truth: Boxes, sizes: dict[int, tuple[int, int]], picture: PixelContract) -> float:
    """The shorter side of the truth's boxes in the network's picture, the median; infinite where there is no box."""
    if not len(truth.labels):
        return math.inf
    frames = np.array([sizes[i] for i in truth.images.tolist()], np.float64)  # height, width
    scale = np.array([picture.height, picture.width]) / frames
    if picture.resize != "stretch":
        scale = (scale.max if picture.resize == "crop" else scale.min)(axis=1, keepdims=True)
    return float(np.median((truth.boxes[:, [3, 2]] * scale).min(axis=1)))


def _once(known: ImageBoxes, size: tuple[int, int]) -> ImageBoxes:
    """A picture's boxes in pixels, each once, as a training takes them: a copy would count as missed."""
    known = replace(known, boxes=known.in_pixels(*size), relative=False)
    own = ~drawn_twice(known)
    areas = None if known.areas is None else known.areas[own]
    return replace(known, boxes=known.boxes[own], labels=known.labels[own], crowd=known.crowd[own], areas=areas)


def _truth(drawn: Mapping[int, ImageBoxes]) -> Boxes:
    return Boxes(
        np.concatenate([np.full(len(known), i, np.int64) for i, known in drawn.items()]),
        np.concatenate([known.labels for known in drawn.values()]),
        np.concatenate([known.boxes for known in drawn.values()]),
        crowd=np.concatenate([known.crowd for known in drawn.values()]),
        areas=np.concatenate(
            [known.boxes[:, 2] * known.boxes[:, 3] if known.areas is None else known.areas for known in drawn.values()]
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


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
