"""SSD with its post-processing built in: boxes, classes, scores and their count come out of the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..formats.description import ModelDescription
from ..labels import first_is_no_class
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules, class_numbers, how_many
from .coco_names import COCO_NAMES, COCO_NUMBERS, at_their_numbers
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
_BESIDE = ("raw_detection", "multiclass_scores", "anchor_indices")  # what TensorFlow's detectors hand out besides
_COCO = (COCO_NUMBERS, COCO_NUMBERS - 1)  # not every network has a row for the background that is taken off here


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
            count = how_many(outputs["count"], count)
        boxes = np.asarray(outputs["boxes"][0, :count], np.float32)[:, [1, 0, 3, 2]]
        ids = class_numbers(outputs["classes"][0, :count]) - options.first_class
        return rules.answer(boxes * size, outputs["scores"][0, :count], ids, placement, threshold, suppressed=True)

    return decode


def read_as_ssd(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file that ends in TFLite's detection post-processing, or names its outputs as TensorFlow's detectors do."""
    roles, picked = _roles(file)
    first, classes = 0, None
    operator = next((operator for operator in file.operators if operator.kind == _OPERATOR), None)
    if operator is not None and len(operator.inputs) > 1:
        shape = file.shapes.get(operator.inputs[1], ())
        classes = shape[-1] - 1 if shape and shape[-1] is not None else None
    elif operator is None:
        first, classes = 1, _scored_classes(file)
    if set(roles) < {"boxes", "classes", "scores"}:
        return None
    names, notes = ssd_labels(labels, classes)
    said = "as asked" if asked else "from its post-processing operator" if operator else "from its outputs' names"
    return Reading(
        Decode("ssd", threshold=0.5, options={"first_class": first} if first else {}),
        outputs=roles,
        picked=picked,
        filter="linear",
        mean=file.mean or (None if first else (127.5,)),
        std=file.std or (None if first else (127.5,)),
        labels=names,
        unnamed=at_their_numbers(COCO_NAMES) if classes in _COCO else (),
        notes=(f"read as an SSD {said}", *notes),
    )


def ssd_labels(labels: tuple[str, ...], classes: int | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Labels at the numbers that the network answers with, and a note where they had to be moved."""
    if first_is_no_class(labels) and classes in (None, len(labels) - 1):
        first = f"the first label, {labels[0]!r}, is the background" if labels[0] else "no label has the number 0"
        return labels[1:], (f"{first}, which this model does not count",)
    if len(labels) == len(COCO_NAMES) and classes in (None, *_COCO) and labels[0] == "person":
        return at_their_numbers(labels), ("80 COCO labels are spread over the 90 category numbers of this model",)
    return labels, ()


def _scored_classes(file: ModelDescription) -> int | None:
    """How many classes a TensorFlow detector scores, where it hands out the scores of all, the background's first."""
    for output in file.outputs:
        name = output.name.lower()
        if ("multiclass_scores" in name or "raw_detection_scores" in name) and output.shape and output.shape[-1]:
            return output.shape[-1] - 1
    return None


def _roles(file: ModelDescription) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What each of the outputs is that are read, and their names where others stand beside them."""
    operator = next((operator for operator in file.operators if operator.kind == _OPERATOR), None)
    read = [output.name for output in file.outputs if not any(word in output.name.lower() for word in _BESIDE)]
    if operator is not None:
        known = dict(zip(operator.outputs, _ROLES, strict=False))
    else:
        known = {found: role for found in read for name, role in _TF_NAMES.items() if name in found.lower()}
    roles = tuple(known.get(name, "") for name in read)
    if "" in roles or len(set(roles)) != len(roles):
        return (), ()
    return roles, tuple(read) if len(read) < len(file.outputs) else ()
