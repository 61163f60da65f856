"""YOLO-NAS: a box and scores for each cell, or what SuperGradients' exporter or YOLOv7's suppressed in the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..errors import ModelError
from ..formats.description import ModelDescription
from ..formats.tensor import TensorInfo
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules, class_numbers, how_many
from .coco_names import names_by_count
from .grids import cells_at
from .picture import picture_size
from .protocol import Decoder, one_of, option
from .reading import Reading

__all__ = ["YoloNasOptions", "read_as_yolo_nas", "read_as_yolov7_rows", "yolo_nas"]

_STRIDES = (8, 16, 32)
_PASSING = ("Reshape", "Transpose", "Identity", "Concat", "Cast", "QuantizeLinear", "DequantizeLinear")
_ROW = 7  # which picture, four corners, then score and class in the order of the exporter
_FLAT = "flat_predictions"
_BATCH = {"num_predictions": "count", "pred_boxes": "boxes", "pred_scores": "scores", "pred_classes": "classes"}

Candidates = tuple[NDArray[np.float32], NDArray[Any], NDArray[Any]]  # corners, scores, ids


@dataclass(frozen=True)
class YoloNasOptions(BoxOptions):
    """In which form the boxes come."""

    layout: str = option("cells", one_of("cells", "score class", "class score", "batch"))


def yolo_nas(network: Network, options: YoloNasOptions) -> Decoder:
    """Things with corners in pixels of the picture.

    From cells, `boxes` (1, N, 4) and `scores` (1, N, C); from rows of seven numbers (N, 7) that end in score and class
    or in class and score; or from `boxes` (1, N, 4), `scores` (1, N), `classes` (1, N) and their `count`.
    """
    needed = {"cells": {"boxes", "scores"}, "batch": set(_BATCH.values())}.get(options.layout, {"rows"})
    if missing := needed - {output.name for output in network.outputs}:
        raise ModelError(f"yolo-nas: {options.layout} needs an output called {min(missing)!r}")
    rules, candidates = BoxRules.of(network, options), _LAYOUTS[options.layout]

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        boxes, scores, ids = candidates(outputs)
        return rules.answer(boxes, scores, ids, placement, threshold, suppressed=options.layout != "cells")

    return decode


def _of_cells(outputs: Mapping[str, NDArray[Any]]) -> Candidates:
    scores = np.asarray(outputs["scores"][0], np.float32)
    ids = scores.argmax(axis=1)
    return np.asarray(outputs["boxes"][0], np.float32), scores[np.arange(len(scores)), ids], ids


def _of_rows(score: int, kind: int) -> Callable[[Mapping[str, NDArray[Any]]], Candidates]:
    """From rows whose score and class stand in these columns."""

    def candidates(outputs: Mapping[str, NDArray[Any]]) -> Candidates:
        rows = np.asarray(outputs["rows"], np.float32).reshape(-1, _ROW)
        return rows[:, 1:5], rows[:, score], class_numbers(rows[:, kind])

    return candidates


def _of_batch(outputs: Mapping[str, NDArray[Any]]) -> Candidates:
    scores = np.asarray(outputs["scores"], np.float32).reshape(-1)
    count = how_many(outputs["count"], len(scores))
    boxes = np.asarray(outputs["boxes"], np.float32).reshape(-1, 4)
    return boxes[:count], scores[:count], class_numbers(outputs["classes"].reshape(-1)[:count])


_LAYOUTS: dict[str, Callable[[Mapping[str, NDArray[Any]]], Candidates]] = {
    "cells": _of_cells,
    "score class": _of_rows(5, 6),
    "class score": _of_rows(6, 5),
    "batch": _of_batch,
}


def read_as_yolo_nas(
    file: ModelDescription,
    labels: tuple[str, ...],  # noqa: ARG001
    *,
    asked: bool = False,
) -> Reading | None:
    """A file with boxes and sigmoids for the cells of its picture, or outputs as SuperGradients names them."""
    bare = [info.dtype for info in file.inputs] != ["uint8"]
    said = f"read as YOLO-NAS {'as asked' if asked else 'from its outputs'}"
    if (pair := _pair(file, asked=asked)) is not None:
        names = tuple("boxes" if output is pair[0] else "scores" for output in file.outputs)
        return _reading("cells", names, said, bare=bare, classes=pair[1].shape[2])
    if (row := _rows(file)) is not None and (asked or _FLAT in row.name):
        return _reading("score class", ("rows",), said, bare=bare)
    roles = tuple(next((role for name, role in _BATCH.items() if name in output.name), "") for output in file.outputs)
    if set(roles) == set(_BATCH.values()) and len(roles) == len(_BATCH):
        return _reading("batch", roles, said, bare=bare)
    return None


def read_as_yolov7_rows(
    file: ModelDescription,
    labels: tuple[str, ...],  # noqa: ARG001
    *,
    asked: bool = False,
) -> Reading | None:
    """A file whose one output `output` has rows of seven numbers, as YOLOv7 exports it with its suppression."""
    row = _rows(file)
    if row is None or not (asked or row.name == "output"):
        return None
    said = f"read as YOLOv7 with its suppression {'as asked' if asked else 'from its output'}"
    return _reading("class score", ("rows",), said, bare=True)


def _reading(layout: str, outputs: tuple[str, ...], said: str, *, bare: bool, classes: int | None = None) -> Reading:
    """The contract of a layout; a graph that takes bytes turns them into red, green and blue of 0 to 1 itself."""
    return Reading(
        Decode("yolo-nas", threshold=0.25, options={"layout": layout, "iou": 0.7}),
        outputs=outputs,
        classes=classes,
        unnamed=() if classes is None else names_by_count(classes),
        color="rgb" if bare else "bgr",
        resize="letterbox",
        filter="linear",
        pad=114,
        mean=(0.0,),
        std=(255.0,) if bare else (1.0,),
        notes=(said,),
    )


def _pair(file: ModelDescription, *, asked: bool) -> tuple[TensorInfo, TensorInfo] | None:
    """The outputs that are boxes (1, N, 4) and, of a sigmoid, scores (1, N, C) of a picture's cells."""
    if len(file.outputs) != 2 or any(len(output.shape) != 3 for output in file.outputs):
        return None
    boxes, scores = sorted(file.outputs, key=lambda output: (output.shape[2] != 4, _is_sigmoid(file, output)))
    count, size = boxes.shape[1], picture_size(file)
    if boxes.shape[2] != 4 or scores.shape[1] != count or not scores.shape[2]:
        return None
    cells = sum(cells_at(*size, stride) for stride in _STRIDES) if size else None
    told = count is not None and count == cells and _is_sigmoid(file, scores)
    return (boxes, scores) if told or asked else None


def _is_sigmoid(file: ModelDescription, output: TensorInfo) -> bool:
    last = file.origin_of(output.name, _PASSING)
    return last is not None and last.kind in ("Sigmoid", "LOGISTIC")


def _rows(file: ModelDescription) -> TensorInfo | None:
    """The one output (N, 7), if there is no other."""
    if len(file.outputs) != 1 or len(file.outputs[0].shape) != 2 or file.outputs[0].shape[1] != _ROW:
        return None
    return file.outputs[0]
