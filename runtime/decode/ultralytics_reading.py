"""Which Ultralytics layout a bare file has: from the metadata of its export, else from shapes that nothing else has."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..bundle.manifest import Decode
from ..formats.description import ModelDescription
from ..formats.tensor import TensorInfo
from ..labels import parse_names
from .classify_reading import read_as_classifier
from .coco_names import names_by_count
from .grids import cell_count, strides_for
from .picture import IMAGENET_MEAN, IMAGENET_STD, picture_size
from .reading import Reading

__all__ = ["ExportMetadata", "read_as_ultralytics"]

_ANCHORED = ((8, 16, 32), (8, 16, 32, 64))  # strides of v5 heads, three anchors a cell
_PROTOTYPES = 32  # maps of a network that draws masks
_MOST_FINISHED = 1000  # rows of an output after NMS; grids have more
_DETR = ("detr", "detr-picked")
_READ_TASKS = ("detect", "segment", "pose", "obb")
_COCO_POINTS = (17, 3)
_FINISHED_WIDTHS = {"pose": 6 + 17 * 3, "obb": 6 + 1}
_PLAIN_POSE = 4 + 1 + 17 * 3  # columns of a pose network of one class, or of a detector of 52


@dataclass(frozen=True)
class ExportMetadata:
    """What an Ultralytics export says of itself."""

    names: tuple[str, ...]
    task: str | None = None  # v5 exports do not say
    size: tuple[int, int] | None = None  # height and width
    keypoints: tuple[int, int] | None = None
    finished: bool = False  # NMS is in the graph
    detr: bool = False  # an RT-DETR, whose boxes are centers and sizes in fractions of the picture
    version: str = ""
    said: bool = False  # by the user, not by the file

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> ExportMetadata | None:
        """The metadata of a file, None where it is no Ultralytics export."""
        names = parse_names(metadata.get("names", ""))
        if not names or "stride" not in metadata:
            return None
        size, points, args = (_plain(metadata.get(key)) for key in ("imgsz", "kpt_shape", "args"))
        in_graph = isinstance(args, dict) and args.get("nms") is True
        return cls(
            names,
            metadata.get("task"),
            _pair(size),
            _pair(points),
            in_graph or metadata.get("end2end", "").lower() == "true",
            "rtdetr" in f"{metadata.get('head', '')} {metadata.get('description', '')}".lower().replace("-", ""),
            metadata.get("version", ""),
        )


def read_as_ultralytics(
    file: ModelDescription,
    labels: tuple[str, ...],
    *,
    asked: bool = False,
    layout: str | None = None,
    kind: str | None = None,
) -> Reading | None:
    """An Ultralytics export by its metadata; without any, a file whose one output has a shape no other family has.

    `layout` and `kind` (pose, obb) are what the user knows of a file that does not say.
    """
    export = ExportMetadata.of(file.metadata)
    if kind is not None and export is None:
        export = _as_said(kind, labels)
    if export is not None and layout is None and export.task in (None, "classify"):
        row = read_as_classifier(file, labels or export.names)
        if row is not None:
            return _classifier(row, export, labels or export.names, picture_size(file) or export.size)
    if export is not None and export.task not in (None, *_READ_TASKS):
        return None
    rows = [output for output in file.outputs if len(output.shape) == 3 and output.shape[0] in (None, 1)]
    told = export is not None and not export.said
    if not rows or (not told and len(rows) != 1):
        return None
    output = rows[0]
    if not (told or asked or all(_may_stand_beside(other) for other in file.outputs if other is not output)):
        return None
    if kind is not None and not _has_room(output, kind):
        return None
    size = picture_size(file) or (export.size if export else None)
    detr = _is_detr(file) or (export is not None and export.detr)
    if layout is None:
        layout = _layout(output, export, size, asked=asked, detr=detr, maps=_prototypes(file) is not None)
    elif kind is not None and _is_finished(output, kind):
        layout = "nms"
    return None if layout is None else _detector(file, output, layout, export, size)


def _may_stand_beside(output: TensorInfo) -> bool:
    """Whether an output is a mask's prototypes, or one of the three raw grids (5-D) that old v5 exports have."""
    return len(output.shape) == 5 or (len(output.shape) == 4 and _PROTOTYPES in (output.shape[1], output.shape[3]))


def _has_room(output: TensorInfo, kind: str) -> bool:
    """Whether columns of an output could be boxes, a class and what a network of the asked kind adds."""
    if _is_finished(output, kind):
        return True
    first, last = output.shape[1:]
    least = _PLAIN_POSE if kind == "pose" else 6
    return first is None or last is None or least <= first < last


def _is_finished(output: TensorInfo, kind: str) -> bool:
    """Whether rows are few, each a box, score, class and what a network of the asked kind adds."""
    rows, width = output.shape[1:]
    return rows is not None and rows <= _MOST_FINISHED and width == _FINISHED_WIDTHS[kind]


def _as_said(kind: str, labels: tuple[str, ...]) -> ExportMetadata:
    """What an export of the asked kind would say of itself: a pose network knows people, unless labels say more."""
    points = _COCO_POINTS if kind == "pose" else None
    return ExportMetadata(labels or (("person",) if kind == "pose" else ()), kind, keypoints=points, said=True)


def _classifier(row: Reading, export: ExportMetadata, labels: tuple[str, ...], size: tuple[int, int] | None) -> Reading:
    """Ultralytics' classifiers see the centre crop, all of it where they are no square; v5's ImageNet's mean, too."""
    old = export.task is None
    height, width = size or (1, 1)
    return Reading(
        row.decode,
        row.outputs,
        row.classes,
        row.picked,
        resize="crop" if height == width else "stretch",
        mean=IMAGENET_MEAN if old else (0.0,),
        std=IMAGENET_STD if old else (255.0,),
        labels=labels,
        size=export.size,
        notes=("read as an Ultralytics classifier from its metadata",),
    )


def _is_detr(file: ModelDescription) -> bool:
    """Whether a graph samples its features where queries point, as no other detector's does."""
    return any(operator.kind == "GridSample" for operator in file.operators)


def _layout(
    output: TensorInfo,
    export: ExportMetadata | None,
    size: tuple[int, int] | None,
    *,
    asked: bool,
    detr: bool,
    maps: bool,
) -> str | None:
    """v8, v5, nms, detr or detr-picked; None where the shape leaves it open."""
    first, last = output.shape[1:]
    if detr and last is not None and last >= 5:
        return "detr-picked" if last == 6 else "detr"
    if export is not None:
        return _layout_of_export(first, last, export, size)
    if first is None or last is None or size is None:
        return None
    if last == 6 + maps * _PROTOTYPES and first <= _MOST_FINISHED:
        return "nms"
    if first >= 5 and strides_for(*size, last) is not None:
        return "v8"
    if last >= 6 and _is_anchored(first, size):
        return "v5"
    if asked:
        return "v8" if first < last else "v5"
    return None


def _layout_of_export(
    first: int | None, last: int | None, export: ExportMetadata, size: tuple[int, int] | None
) -> str | None:
    classes, points = len(export.names), export.keypoints or (0, 0)
    extra = {"segment": 32, "pose": points[0] * points[1], "obb": 1}.get(export.task or "detect", 0)
    if export.finished and last == 6 + extra:
        return "nms"
    if first == 4 + classes + extra and (last is None or last > first or strides_for(*(size or (0, 0)), last)):
        return "v8"
    if last in (5 + classes, 5 + classes + 32 if export.task in (None, "segment") else 0):
        few = first is not None and first <= _MOST_FINISHED and not (size and _is_anchored(first, size))
        return "nms" if last == 6 and few else "v5"
    if last == 6 + extra:
        return "nms"
    if last == 4 + classes and first is not None and first <= _MOST_FINISHED:
        return "detr"
    return None


def _is_anchored(rows: int, size: tuple[int, int]) -> bool:
    return any(rows == 3 * cell_count(*size, strides) for strides in _ANCHORED)


def _detector(
    file: ModelDescription,
    output: TensorInfo,
    layout: str,
    export: ExportMetadata | None,
    size: tuple[int, int] | None,
) -> Reading:
    options: dict[str, Any] = {"layout": layout, "iou": 0.45 if layout == "v5" else 0.7, "max_det": 300}
    maps = _prototypes(file)
    task = export.task if export else None
    after = 1 if task == "obb" else _PROTOTYPES if maps else 0
    classes = len(export.names) if export and export.names else _classes_in(output, layout, after)
    if export:
        options["class_count"] = classes
    if export and task == "pose" and export.keypoints and export.keypoints[1] in (2, 3):
        options["keypoints"] = list(export.keypoints)
    if task == "obb":
        options["rotated"] = True
    if maps and layout not in _DETR:
        options["masks"] = maps[1]
    if layout in _DETR:
        options["normalized"] = "always"
    else:  # TFLite's exports, and what was made of one
        options["normalized"] = "from values"
    notes = [f"read as Ultralytics {layout} {_known_by(export)}"]
    if export is None and layout == "v8" and output.shape[1] == _PLAIN_POSE:
        notes.append("its 52 classes could be one class and 17 keypoints: --decode yolov8-pose reads those")
    names = ("predictions", "prototypes") if options.get("masks") else ("predictions",)
    picked = (output.name, maps[0]) if maps and options.get("masks") else (output.name,)
    return Reading(
        Decode("ultralytics", threshold=0.25, options=options),
        outputs=names,
        picked=() if picked == tuple(each.name for each in file.outputs[: len(picked)]) else picked,
        classes=classes,
        resize="stretch" if layout in _DETR else "letterbox",
        filter="linear",
        pad=114,
        mean=(0.0,),
        std=(255.0,),
        labels=export.names if export and export.said else (),
        unnamed=names_by_count(classes),
        size=size,
        notes=tuple(notes),
    )


def _known_by(export: ExportMetadata | None) -> str:
    if export is None:
        return "from the shape of its output"
    return f"{export.task}, as asked" if export.said else "from its metadata"


def _prototypes(file: ModelDescription) -> tuple[str, str] | None:
    """The output that masks are mixed of, and whether its first or last axis counts the maps."""
    for output in file.outputs:
        if len(output.shape) == 4 and _PROTOTYPES in (output.shape[1], output.shape[3]):
            first = output.shape[1] == _PROTOTYPES and (file.format == "onnx" or output.shape[3] != _PROTOTYPES)
            return output.name, "first" if first else "last"
    return None


def _classes_in(output: TensorInfo, layout: str, maps: int) -> int | None:
    axis = output.shape[1] if layout == "v8" else output.shape[2]
    before = {"v8": 4, "v5": 5, "detr": 4}.get(layout)
    return None if axis is None or before is None else axis - before - maps


def _plain(text: str | None) -> Any:
    """A value as Python wrote it."""
    try:
        return ast.literal_eval(text or "None")
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _pair(value: Any) -> tuple[int, int] | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = (value, value)
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(v, int) and v > 0 for v in value):
        return int(value[0]), int(value[1])
    return None
