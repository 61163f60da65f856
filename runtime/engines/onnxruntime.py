"""onnxruntime behind the engine protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from ..errors import ModelError
from .protocol import EngineOptions, TensorInfo

__all__ = ["OnnxRuntimeEngine"]

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}


class OnnxRuntimeEngine:
    """An .onnx model in onnxruntime, silent and on as many threads as it is told."""

    name = "onnxruntime"

    def __init__(self, model: bytes, options: EngineOptions) -> None:
        import onnxruntime as ort

        settings = ort.SessionOptions()
        settings.log_severity_level = 4
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        settings.add_session_config_entry("session.intra_op.allow_spinning", "1" if options.spin else "0")
        try:
            self._session = ort.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 (onnxruntime raises types of its own for a broken model)
            raise ModelError(f"onnxruntime cannot load the model: {str(error).splitlines()[0][:200]}") from None
        self.inputs = tuple(_info(value) for value in self._session.get_inputs())
        self.outputs = tuple(_info(value) for value in self._session.get_outputs())
        self.metadata: Mapping[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.notes: tuple[str, ...] = ()
        self._names = [info.name for info in self.inputs]

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs for one set of inputs, in the file's order."""
        return list(self._session.run(None, dict(zip(self._names, inputs, strict=True))))

    def __enter__(self) -> OnnxRuntimeEngine:
        return self

    def __exit__(self, *exc: object) -> None:
        del self._session


def _info(value: Any) -> TensorInfo:
    shape = tuple(axis if isinstance(axis, int) else None for axis in value.shape)
    return TensorInfo(value.name, shape, _DTYPES.get(value.type, value.type))
