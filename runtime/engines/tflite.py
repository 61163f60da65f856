"""TFLite behind the engine protocol: ai-edge-litert, else the older tflite-runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .protocol import EngineOptions, TensorInfo

__all__ = ["TfliteEngine"]


class TfliteEngine:
    """A .tflite model in its interpreter, with XNNPACK where the wheel has it."""

    name = "tflite"

    def __init__(self, model: bytes, options: EngineOptions) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            from tflite_runtime.interpreter import Interpreter
        try:
            self._interpreter = Interpreter(model_content=model, num_threads=options.threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"the tflite engine cannot load the model: {str(error).splitlines()[0][:200]}") from None
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self.inputs = tuple(_info(detail) for detail in inputs)
        self.outputs = tuple(_info(detail) for detail in outputs)
        self.metadata: Mapping[str, str] = {}
        self.notes: tuple[str, ...] = ()
        self._input_ids = [detail["index"] for detail in inputs]
        self._output_ids = [detail["index"] for detail in outputs]

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs for one set of inputs, in the file's order."""
        for index, array in zip(self._input_ids, inputs, strict=True):
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._output_ids]

    def __enter__(self) -> TfliteEngine:
        return self

    def __exit__(self, *exc: object) -> None:
        del self._interpreter


def _info(detail: dict[str, Any]) -> TensorInfo:
    shape = tuple(int(axis) if axis > 0 else None for axis in detail.get("shape_signature", detail["shape"]))
    scale, zero_point = detail.get("quantization", (0.0, 0))
    return TensorInfo(detail["name"], shape, np.dtype(detail["dtype"]).name, float(scale) or None, int(zero_point))
