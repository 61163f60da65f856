"""A finished model file that has not been put in a bundle yet, and how to ask it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.engines.catalog import open_engine
from edgelens.runtime.engines.protocol import EngineOptions, dequantized
from edgelens.runtime.preprocess import TensorContract, to_tensor

__all__ = ["FLOAT_PIXELS", "INT8_PIXELS", "Artifact", "file_outputs"]

FLOAT_PIXELS = TensorContract("image", "NHWC", "uint8")  # the file normalises by itself, or its quantization does
INT8_PIXELS = TensorContract("image", "NHWC", "int8", mean=(128.0,), std=(1.0,))  # the pixel with its top bit flipped
_SUFFIX = {"onnxruntime": "onnx", "tflite": "tflite"}


@dataclass(frozen=True)
class Artifact:
    """One model file's bytes, what it takes, and what it answers."""

    engine: str
    precision: str
    data: bytes = field(repr=False)
    tensor: TensorContract = FLOAT_PIXELS
    outputs: tuple[str, ...] = ("logits",)

    @property
    def path(self) -> str:
        """The bundle's entry."""
        return f"models/main.{self.precision}.{_SUFFIX[self.engine]}"

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.precision} {'ONNX' if self.engine == 'onnxruntime' else 'TFLite'}"


def file_outputs(
    artifact: Artifact, pictures: NDArray[np.uint8], progress: Callable[[int, int], None] | None = None
) -> NDArray[np.float32]:
    """The first output (N, …) of a file for pictures (N, H, W, C), one at a time through the engine that ships."""
    rows = []
    with open_engine(artifact.engine, artifact.data, EngineOptions()) as engine:
        names = [info.name for info in engine.outputs]
        index = names.index(artifact.outputs[0]) if artifact.outputs[0] in names else 0
        for i, picture in enumerate(pictures):
            raw = engine.run([to_tensor(picture, artifact.tensor)])[index]
            rows.append(np.array(dequantized(raw, engine.outputs[index]), np.float32)[0])
            if progress is not None and i % 64 == 0:
                progress(i, len(pictures))
    return np.stack(rows)
