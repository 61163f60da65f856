"""A network's model files in every asked format and precision, from one export."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import fx, nn

from edgelens.runtime.preprocess import PixelContract
from edgelens.version import __version__

from ..config import CompressConfig
from ..export.artifact import Artifact
from ..export.exported import Exported, export, float_artifacts
from ..export.metadata import About, with_metadata_onnx, with_metadata_tflite
from ..network.graph import trace
from ..network.tail import Tail, last_layers_and_pooling
from ..progress import Progress
from ..quantize.float16 import float16_artifacts
from ..quantize.observers import observe
from ..quantize.plan import make_plan
from ..quantize.ranges import Quantized, agree_on_ranges
from ..quantize.weight_only import dynamic_artifacts, weight_only_artifacts
from ..tasks.task import Task
from .int8 import calibrated_artifacts, int8_artifacts

__all__ = ["ModelFiles", "exported_as", "make_files", "quantized_by", "with_metadata"]


@dataclass(frozen=True)
class ModelFiles:
    """The files, and what quantizing them decided."""

    exported: Exported
    artifacts: tuple[Artifact, ...]
    left_float: Mapping[str, str] = field(default_factory=dict)


def make_files(
    network: nn.Module,
    pixels: PixelContract,
    calibration: NDArray[np.uint8],
    config: CompressConfig,
    *,
    outputs: tuple[str, ...],
    tail: Tail = last_layers_and_pooling,
    quantized: Quantized | None = None,
    graph: fx.GraphModule | None = None,
    exported: Exported | None = None,
    progress: Progress | None = None,
) -> ModelFiles:
    """Export, quantize and gather; `graph`, `quantized` and `exported` are given where they are known."""
    progress = progress or Progress(quiet=True)
    if exported is None:
        graph = graph if graph is not None else trace(network, pixels, outputs)
        exported = exported_as(network, graph, pixels, config, outputs, progress)
    artifacts: list[Artifact] = []
    left_float: Mapping[str, str] = {}
    if "float32" in config.precisions:
        artifacts += float_artifacts(exported)
    if "int8" in config.precisions:
        with progress.step("quantizing"):
            if exported.graph is None:
                artifacts += calibrated_artifacts(exported, calibration, full_integer=config.full_integer)
            else:
                ranges = quantized or quantized_by(exported.graph, calibration, config, outputs, tail)
                left_float = ranges.plan.left_float
                artifacts += int8_artifacts(exported, ranges)
    for precision, make in (
        ("float16", float16_artifacts),
        ("dynamic", dynamic_artifacts),
        ("weight-only", weight_only_artifacts),
    ):
        if precision in config.precisions:
            with progress.step(f"making {precision} files"):
                artifacts += make(exported)
    return ModelFiles(exported, tuple(artifacts), left_float)


def exported_as(
    network: nn.Module,
    graph: fx.GraphModule,
    pixels: PixelContract,
    config: CompressConfig,
    outputs: tuple[str, ...],
    progress: Progress,
) -> Exported:
    """A network's export in the formats, and for the batches, that are asked for."""
    with progress.step("exporting"):
        return export(
            network, graph, pixels, formats=config.formats, dynamic_batch=config.dynamic_batch, outputs=outputs
        )


def quantized_by(
    graph: fx.GraphModule,
    calibration: NDArray[np.uint8],
    config: CompressConfig,
    outputs: tuple[str, ...],
    tail: Tail = last_layers_and_pooling,
) -> Quantized:
    """Ranges of a convolutional network from calibration pictures."""
    plan = make_plan(graph, keep_float=config.keep_float, full_integer=config.full_integer, outputs=outputs, tail=tail)
    return agree_on_ranges(graph, plan, observe(graph, calibration, config.observer))


def with_metadata(
    artifacts: Sequence[Artifact], name: str, task: Task, labels: tuple[str, ...], pixels: PixelContract
) -> list[Artifact]:
    """The files with labels and input contract inside."""
    add = {"onnxruntime": with_metadata_onnx, "tflite": with_metadata_tflite}
    made = []
    for artifact in artifacts:
        outputs = {output: task.labelled.get(output, "") for output in artifact.outputs}
        about = About(name, task.name, labels, pixels, outputs, __version__)
        made.append(dataclasses.replace(artifact, data=add[artifact.engine](artifact.data, about, artifact.tensor)))
    return made
