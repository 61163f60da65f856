"""SSD with its post-processing built in: boxes, classes, scores and their count come out of the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..formats.description import ModelDescription
from ..labels import is_background
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules
from .protocol import Decoder, option, whole
from .reading import Reading

__all__ = ["SsdOptions", "read_as_ssd", "ssd", "ssd_labels"]

_OPERATOR = "TFLite_Detection_PostProcess"
_ROLES = ("boxes", "classes", "scores", "count")
_TF_NAMES = {
    "detection_boxes": "boxes",
    "detection_classes": "classes",
    "detection_scores": "scores",
    "num_detections": "count",
}
_COCO_GAPS = (11, 25, 28, 29, 44, 65, 67, 68, 70, 82)  # of the 90 category numbers, counted from 0: never used


@dataclass(frozen=True)
class SsdOptions(BoxOptions):
    """How an SSD's outputs are read."""

    first_class: int = option(0, whole())  # the number of the first label among its classes


def ssd(network: Network, options: SsdOptions) -> Decoder:
    """Boxes from `boxes` (1, N, 4) ymin, xmin, ymax, xmax as fractions, `classes`, `scores` (1, N) and `count`."""
    rules = BoxRules.of(network, options)
    size = np.array([network.pixels.width, network.pixels.height] * 2, np.float32)

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        count = len(outputs["scores"][0])
        if "count" in outputs:
            count = min(count, max(int(outputs["count"].reshape(-1)[0]), 0))
        boxes = np.asarray(outputs["boxes"][0, :count], np.float32)[:, [1, 0, 3, 2]]
        ids = np.rint(outputs["classes"][0, :count]).astype(np.int64) - options.first_class
        scores = np.where(ids >= 0, outputs["scores"][0, :count], 0)
        return rules.answer(boxes * size, scores, ids, placement, threshold, suppressed=True)

    return decode


def read_as_ssd(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file that ends in TFLite's detection post-processing, or names its outputs as TensorFlow's detectors do."""
    roles, first, classes = _roles(file), 0, None
    operator = next((operator for operator in file.operators if operator.kind == _OPERATOR), None)
    if operator is not None and len(operator.inputs) > 1:
        shape = file.shapes.get(operator.inputs[1], ())
        classes = shape[-1] - 1 if shape and shape[-1] is not None else None
    elif operator is None:
        first = 1
    if set(roles) < {"boxes", "classes", "scores"}:
        return None
    names, notes = ssd_labels(labels, classes)
    said = "as asked" if asked else "from its post-processing operator" if operator else "from its outputs' names"
    return Reading(
        Decode("ssd", threshold=0.5, options={"first_class": first} if first else {}),
        outputs=roles,
        filter="linear",
        mean=file.mean or (None if first else (127.5,)),
        std=file.std or (None if first else (127.5,)),
        labels=names,
        notes=(f"read as an SSD {said}", *notes),
    )


def ssd_labels(labels: tuple[str, ...], classes: int | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Labels at the numbers that the network answers with, and a note where they had to be moved."""
    if labels and is_background(labels[0]) and classes in (None, len(labels) - 1):
        return labels[1:], (f"the first label, {labels[0]!r}, is the background, which this model does not count",)
    if len(labels) == 80 and classes in (None, 90) and labels[0] == "person":
        spread = list(labels)
        for gap in _COCO_GAPS:
            spread.insert(gap, "n/a")
        return tuple(spread), ("80 COCO labels are spread over the 90 category numbers of this model",)
    return labels, ()


def _roles(file: ModelDescription) -> tuple[str, ...]:
    """What each of the file's outputs is; empty where one is unknown."""
    operator = next((operator for operator in file.operators if operator.kind == _OPERATOR), None)
    if operator is not None:
        known = dict(zip(operator.outputs, _ROLES, strict=False))
    else:
        known = {o.name: role for o in file.outputs for name, role in _TF_NAMES.items() if name in o.name.lower()}
    roles = tuple(known.get(output.name, "") for output in file.outputs)
    return () if "" in roles or len(set(roles)) != len(roles) else roles
