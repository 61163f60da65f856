"""Parity: the torch network against every file that came of it, and the first layer where one parts from it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.metrics.interval import paired_loss
from edgelens.runtime.metrics.signal import distance_of, snr_db
from edgelens.runtime.preprocess import to_tensor

from ..export.artifact import Artifact
from ..export.exported import Exported
from ..export.kept_tensors import keeping_all_tensors
from ..export.match import onnx_values
from ..network.recorder import node_values
from ..tasks.task import Arrays, Task

__all__ = ["FileParity", "Parity", "first_parting", "finite_db", "parity_of"]

MOST_DB = 200.0  # what is equal to the last bit, or has nothing in common, has no number of its own
PARTED_DB = 15.0  # below this a layer carries more error than an 8-bit step explains


@dataclass(frozen=True)
class FileParity:
    """One file against the float torch network on the same pictures."""

    path: str
    title: str
    precision: str
    snr_db: float
    agreement: float  # as the task counts it
    max_difference: float
    accuracy: float  # the task's score
    lost: tuple[float, float] | None = None  # interval of the accuracy that it lost, where pictures are right or wrong
    parts_at: str = ""  # the first layer that is far off, where the file is outside its limits

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "file": self.path,
            "precision": self.precision,
            "snr_db": round(finite_db(self.snr_db), 2),
            "agreement": self.agreement,
            "max_difference": self.max_difference if math.isfinite(self.max_difference) else None,
            "accuracy": self.accuracy,
            **({"lost": [round(bound, 6) for bound in self.lost]} if self.lost else {}),
            **({"parts_at": self.parts_at} if self.parts_at else {}),
        }


@dataclass(frozen=True)
class Parity:
    """Every file's row, and how far the files of one precision agree among themselves."""

    images: int
    torch_accuracy: float
    files: tuple[FileParity, ...]
    between_formats: float | None = None  # agreement of int8 ONNX and int8 TFLite
    closely: Mapping[str, float] = field(default_factory=dict)  # by precision: the same, as near as formats should be
    counted: str = "images"  # what agreement is a share of

    def of(self, path: str) -> FileParity:
        """The row of a file."""
        return next(row for row in self.files if row.path == path)

    def only(self, paths: Collection[str]) -> Parity:
        """What is said of some files; of formats of one precision where both are among them."""
        files = tuple(row for row in self.files if row.path in paths)
        pairs = {precision for precision, count in Counter(row.precision for row in files).items() if count > 1}
        between = self.between_formats if "int8" in pairs else None
        closely = {precision: share for precision, share in self.closely.items() if precision in pairs}
        return replace(self, files=files, between_formats=between, closely=closely)


def finite_db(snr_db: float) -> float:
    """Decibels as files can hold them: 200 for infinitely many, which way ever."""
    return float(np.clip(snr_db, -MOST_DB, MOST_DB))


def parity_of(
    artifacts: Sequence[Artifact], reference: Arrays, answers: Mapping[str, Arrays], targets: Any, task: Task
) -> Parity:
    """Every file's `answers` (by path) against the torch network's on the same pictures, as the task judges them."""
    rows = tuple(_row(artifact, answers[artifact.path], reference, targets, task) for artifact in artifacts)
    pairs: dict[str, list[Arrays]] = {}
    for artifact in artifacts:
        pairs.setdefault(artifact.precision, []).append(answers[artifact.path])
    pairs = {precision: pair for precision, pair in pairs.items() if len(pair) == 2}
    between = task.agreement(*pairs["int8"]) if "int8" in pairs else None
    closely = {precision: (task.closely or task.agreement)(*pair) for precision, pair in pairs.items()}
    return Parity(len(targets), task.judge(reference, targets), rows, between, closely, task.counted)


def first_parting(
    exported: Exported, artifact: Artifact, pictures: NDArray[np.uint8], least_db: float = PARTED_DB
) -> str:
    """The first layer whose values are far from the torch network's, as `name (dB)`; empty where none is."""
    if exported.graph is None:
        return ""
    reference = node_values(exported.graph, pictures[:1])
    for name, value in _layer_values(exported, artifact, pictures[:1]).items():
        expected = reference.get(name)
        if expected is None or expected.size != value.size:
            continue
        quality = snr_db(expected.reshape(-1), _in_order(value, expected, artifact.engine).reshape(-1))
        if quality < least_db:
            return f"{name} ({quality:.1f} dB)"
    return ""


def _in_order(value: NDArray[Any], expected: NDArray[Any], engine: str) -> NDArray[Any]:
    """A map in torch's order: TFLite's channels come last, which no shape tells where there are as many as places."""
    last = value.ndim == 4 and expected.ndim == 4 and (engine == "tflite" or value.shape != expected.shape)
    return value.transpose(0, 3, 1, 2) if last else value


def _row(artifact: Artifact, values: Arrays, reference: Arrays, targets: Any, task: Task) -> FileParity:
    snr, difference = distance_of(reference, values)
    return FileParity(
        artifact.path,
        artifact.title,
        artifact.precision,
        snr,
        task.agreement(reference, values),
        difference,
        task.judge(values, targets),
        None if task.right is None else paired_loss(task.right(reference, targets), task.right(values, targets)),
    )


def _layer_values(exported: Exported, artifact: Artifact, picture: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """A file's inner values in real numbers, by graph node, in the order they are made."""
    tensor = to_tensor(picture, artifact.tensor)
    if artifact.engine == "onnxruntime":
        import onnx

        model = onnx.load_from_string(artifact.data)
        values = onnx_values(model, {model.graph.input[0].name: tensor})
        named = {}
        for name in (name for node in model.graph.node for name in node.output if name):  # sessions give outputs first
            value = values[name]
            node = exported.onnx_names.get(name.removesuffix("_dq"))
            if node and value.dtype.kind == "f" and (name.endswith("_dq") or f"{name}_dq" not in values):
                named[node] = value
        return named
    return _tflite_layers(artifact.data, tensor)


def _tflite_layers(data: bytes, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
    from ..export.tflite import operators

    interpreter = keeping_all_tensors(data)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], tensor)
    interpreter.invoke()
    details = {detail["name"]: detail for detail in interpreter.get_tensor_details()}
    values = {}
    for _, _, results in operators(data):
        for name in results:
            detail = details[name]
            value = np.array(interpreter.get_tensor(detail["index"]))
            scale, zero = detail["quantization"]
            values[name] = (value.astype(np.float32) - zero) * scale if scale else value.astype(np.float32)
    return values
