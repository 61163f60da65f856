"""onnxruntime behind the engine protocol."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import ModelError
from ..formats.tensor import TensorInfo
from ..host.owned import own_folder
from .protocol import EngineOptions
from .silence import silenced
from .telemetry import kept_here

__all__ = ["PROVIDERS", "OnnxRuntimeEngine", "open_session"]

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(uint16)": "uint16",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
_CPU = "CPUExecutionProvider"
_FATAL = 4
_EXACT_SUMS = "session.x64quantprecision"  # slower 8-bit kernels where x86 without VNNI would saturate
_SATURATES = "its 8-bit sums saturate on this processor (no VNNI): take --engine tflite, or --precision float32"


class OnnxRuntimeEngine:
    """An .onnx model in onnxruntime, silent and on as many threads as it is told."""

    name = "onnxruntime"

    def __init__(self, model: bytes, options: EngineOptions) -> None:
        with silenced():
            kept_here()
            import onnxruntime as ort

            ort.set_default_logger_severity(_FATAL)
            providers, notes = _providers(options, ort.get_available_providers())
            self._session, saturating = open_session(model, lambda: _settings(ort, options), providers)
        running = self._session.get_providers()
        lost = [name for name, _ in providers if name not in running]
        notes += [f"{_word(name)} could not be started: the CPU does its work" for name in lost]
        if saturating:
            from .machine import lacks_vnni

            notes += [_SATURATES] if lacks_vnni() else []
        self.inputs = tuple(_info(value) for value in self._session.get_inputs())
        self.outputs = tuple(_info(value) for value in self._session.get_outputs())
        self.metadata: Mapping[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.notes = tuple(notes)
        self._names = [info.name for info in self.inputs]

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs for one set of inputs, in the file's order."""
        try:
            return list(self._session.run(None, dict(zip(self._names, inputs, strict=True))))
        except Exception as error:  # noqa: BLE001 (onnxruntime's own types again)
            raise ModelError(f"onnxruntime could not run the model: {_first_line(error)}") from None

    def __enter__(self) -> OnnxRuntimeEngine:
        return self

    def __exit__(self, *exc: object) -> None:
        del self._session


def open_session(
    model: bytes, settings: Callable[[], Any], providers: Sequence[tuple[str, dict[str, Any]]]
) -> tuple[Any, bool]:
    """A session, and whether its 8-bit sums may saturate without VNNI: only where it cannot be started exactly."""
    kept_here()
    import onnxruntime as ort

    from ..formats.onnx_zero_points import with_own_zero_points, with_zero_points

    with contextlib.suppress(Exception):  # the last line tells of a file that is broken
        model = with_zero_points(model)
        return ort.InferenceSession(model, _exact(settings()), providers=providers), False
    with contextlib.suppress(Exception):
        if (parted := with_own_zero_points(model)) is not None:
            return ort.InferenceSession(parted, _exact(settings()), providers=providers), False
    try:
        return ort.InferenceSession(model, settings(), providers=providers), True
    except Exception as error:  # noqa: BLE001 (onnxruntime raises types of its own for a broken model)
        raise ModelError(f"onnxruntime cannot load the model: {_first_line(error)}") from None


def _exact(settings: Any) -> Any:
    settings.add_session_config_entry(_EXACT_SUMS, "1")
    return settings


def _settings(ort: Any, options: EngineOptions) -> Any:
    settings = ort.SessionOptions()
    settings.log_severity_level = _FATAL
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.add_session_config_entry("session.intra_op.allow_spinning", "1" if options.spin else "0")
    return settings


def _cuda(options: EngineOptions) -> dict[str, Any]:  # noqa: ARG001
    return {"cudnn_conv_algo_search": "HEURISTIC"}  # an exhaustive search delays the first result by seconds


def _tensorrt(options: EngineOptions) -> dict[str, Any]:
    from .machine import cache_folder

    folder = options.cache or str(cache_folder() / "tensorrt")
    with contextlib.suppress(OSError):  # without a cache it builds anew, that is all
        own_folder(Path(folder))  # an engine that another user could have put there is code of theirs
    return {
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": folder,
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": folder,
    }


def _tensorrt_half(options: EngineOptions) -> dict[str, Any]:
    return {**_tensorrt(options), "trt_fp16_enable": True}


def _xnnpack(options: EngineOptions) -> dict[str, Any]:
    return {"intra_op_num_threads": options.threads}


def _plain(options: EngineOptions) -> dict[str, Any]:  # noqa: ARG001
    return {}


# accelerator → onnxruntime's name for it, and the options it is started with
PROVIDERS: dict[str, tuple[str, Callable[[EngineOptions], dict[str, Any]]]] = {
    "cuda": ("CUDAExecutionProvider", _cuda),
    "tensorrt": ("TensorrtExecutionProvider", _tensorrt),
    "tensorrt-fp16": ("TensorrtExecutionProvider", _tensorrt_half),
    "xnnpack": ("XnnpackExecutionProvider", _xnnpack),
    "openvino": ("OpenVINOExecutionProvider", _plain),
    "cpu": (_CPU, _plain),
}


def _providers(options: EngineOptions, there: Sequence[str]) -> tuple[list[tuple[str, dict[str, Any]]], list[str]]:
    """The providers to start with, the CPU last, and what is said of those that this onnxruntime was built without."""
    chosen: list[tuple[str, dict[str, Any]]] = []
    notes = []
    for accelerator in options.accelerators:
        if accelerator not in PROVIDERS:
            known = ", ".join(PROVIDERS)
            raise ModelError(f"onnxruntime has no accelerator called {accelerator!r}; there are {known}")
        name, make = PROVIDERS[accelerator]
        if name in there:
            chosen.append((name, make(options)))
        else:
            notes.append(f"{accelerator} is not in this onnxruntime: the CPU does its work")
    if _CPU not in [name for name, _ in chosen]:
        chosen.append((_CPU, {}))
    return chosen, notes


def _word(provider: str) -> str:
    return next((word for word, (name, _) in PROVIDERS.items() if name == provider), provider)


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _info(value: Any) -> TensorInfo:
    shape = tuple(axis if isinstance(axis, int) else None for axis in value.shape)
    return TensorInfo(value.name, shape, _DTYPES.get(value.type, value.type))
