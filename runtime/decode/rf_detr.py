"""RF-DETR: queries that each are some things or none, as boxes in fractions of the picture and a score a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..formats.description import ModelDescription
from ..formats.tensor import TensorInfo
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules, corners
from .classify import sigmoid
from .coco_names import COCO_NAMES, COCO_NUMBERS, at_their_numbers
from .picture import IMAGENET_MEAN, IMAGENET_STD
from .protocol import Decoder, option, whole
from .reading import Reading
from .ssd import ssd_labels

__all__ = ["RfDetrOptions", "read_as_rf_detr", "rf_detr"]

_MOST_QUERIES = 1000


@dataclass(frozen=True)
class RfDetrOptions(BoxOptions):
    """Which of a query's scores are classes'."""

    first: int = option(0, whole())  # the column of the first label
    count: int = option(1, whole(1))  # how many columns are classes'


def rf_detr(network: Network, options: RfDetrOptions) -> Decoder:
    """Things from `boxes` (1, N, 4), centers and sizes as fractions, and logits `scores` (1, N, C).

    A query may be things of several classes; queries need no suppression.
    """
    rules = BoxRules.of(network, options)
    size = np.array([network.pixels.width, network.pixels.height] * 2, np.float32)
    columns = slice(options.first, options.first + options.count)

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        logits = np.asarray(outputs["scores"][0, :, columns], np.float32)
        scores = sigmoid(logits)
        rows, ids = np.nonzero(scores >= rules.least(threshold))
        boxes = corners(np.asarray(outputs["boxes"][0], np.float32)[rows] * size)
        return rules.answer(boxes, scores[rows, ids], ids, placement, threshold, suppressed=True)

    return decode


def read_as_rf_detr(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with outputs called `dets` and `labels`, as its exporter names them; asked for, two of such shapes."""
    pair = _pair(file, asked=asked)
    if pair is None:
        return None
    boxes, scores = pair
    columns = scores.shape[2] or 0
    named = len(labels) in (len(COCO_NAMES), COCO_NUMBERS) and labels[:1] == COCO_NAMES[:1]
    coco = columns == COCO_NUMBERS + 1 and (not labels or named)
    count = columns if len(labels) == columns else columns - 1
    names, notes = ssd_labels(labels, count) if coco else (labels, ())
    spare = "first" if coco else "" if count == columns else "last"
    said = [f"read as RF-DETR {'as asked' if asked else 'from the names of its outputs'}"]
    if spare:
        said[0] += f"; the {spare} of its {columns} scores is taken for no class's"
    if others := [output.name for output in file.outputs if output not in pair]:
        said.append(f"of its outputs {boxes.name} and {scores.name} are read, {', '.join(others)} not")
    return Reading(
        Decode("rf-detr", threshold=0.5, options={"first": int(coco), "count": count, "max_det": 300}),
        outputs=tuple("boxes" if output is boxes else "scores" for output in file.outputs if output in pair),
        picked=tuple(output.name for output in file.outputs if output in pair) if others else (),
        classes=count,
        unnamed=at_their_numbers(COCO_NAMES) if coco else (),
        filter="linear",
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        labels=names,
        notes=(*said, *notes),
    )


def _pair(file: ModelDescription, *, asked: bool) -> tuple[TensorInfo, TensorInfo] | None:
    """The outputs that are boxes (1, N, 4) and scores (1, N, 2 or more) of the same few queries."""
    named = {output.name: output for output in file.outputs}
    boxes, scores = named.get("dets"), named.get("labels")
    if asked and (boxes is None or scores is None) and len(file.outputs) == 2:
        scores, boxes = sorted(file.outputs, key=lambda output: output.shape[-1:] == (4,))
    if boxes is None or scores is None or len(boxes.shape) != 3 or len(scores.shape) != 3:
        return None
    queries = scores.shape[1]
    fits = boxes.shape[2] == 4 and boxes.shape[1] == queries and (scores.shape[2] or 0) > 1
    return (boxes, scores) if fits and queries is not None and queries <= _MOST_QUERIES else None
