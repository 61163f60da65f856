"""A finished model file that has not been put in a bundle yet, and how to ask it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.engines.catalog import open_engine
from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.errors import ModelError
from edgelens.runtime.formats.tensor import dequantized
from edgelens.runtime.preprocess import TensorContract, to_tensor

__all__ = ["FLOAT_PIXELS", "INT8_PIXELS", "Artifact", "file_outputs", "input_of"]

FLOAT_PIXELS = TensorContract("image", "NHWC", "uint8")  # the file normalises by itself, or its quantization does
INT8_PIXELS = TensorContract("image", "NHWC", "int8", mean=(128.0,), std=(1.0,))  # the pixel with its top bit flipped
_SUFFIX = {"onnxruntime": "onnx", "tflite": "tflite"}


@dataclass(frozen=True)
class Artifact:
    """One model file's bytes, what it takes, and what it answers."""

    engine: str
    precision: str
    data: bytes = field(repr=False)
    tensor: TensorContract
    outputs: tuple[str, ...]  # the network's names, which the file's tensors bear

    @property
    def path(self) -> str:
        """The bundle's entry."""
        return f"models/main.{self.precision}.{_SUFFIX[self.engine]}"

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.precision} {'ONNX' if self.engine == 'onnxruntime' else 'TFLite'}"


def input_of(picture: NDArray[np.uint8], tensor: TensorContract, axes: int) -> NDArray[Any]:
    """A picture (H, W, C) as a file takes it that has so many axes: of three, none is for the channel of a gray one."""
    made = to_tensor(picture, tensor)
    return made[..., 0] if axes == 3 else made


def file_outputs(
    artifact: Artifact, pictures: NDArray[np.uint8], progress: Callable[[int, int], None] | None = None
) -> dict[str, NDArray[np.float32]]:
    """Every output (N, …) of a file by name for pictures (N, H, W, C), one at a time through the engine that ships."""
    rows: dict[str, list[NDArray[np.float32]]] = {name: [] for name in artifact.outputs}
    with open_engine(artifact.engine, artifact.data, EngineOptions()) as engine:
        there = [info.name for info in engine.outputs]
        if missing := [name for name in artifact.outputs if name not in there]:
            raise ModelError(f"{artifact.path}: has no output {missing[0]!r}; there are {', '.join(there)}")
        places = {name: there.index(name) for name in artifact.outputs}
        for i, picture in enumerate(pictures):
            raw = engine.run([input_of(picture, artifact.tensor, len(engine.inputs[0].shape))])
            for name, place in places.items():
                rows[name].append(np.array(dequantized(raw[place], engine.outputs[place]), np.float32)[0])
            if progress is not None and i % 64 == 0:
                progress(i, len(pictures))
    return {name: np.stack(values) for name, values in rows.items()}
