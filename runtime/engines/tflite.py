"""TFLite behind the engine protocol: ai-edge-litert, else the older tflite-runtime."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..formats.tensor import TensorInfo
from .protocol import EngineOptions
from .silence import silenced

__all__ = ["DELEGATES", "TfliteEngine", "tensor_shapes"]

_PACKAGES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")

# accelerator → the shared library of its delegate; None for what the interpreter applies by itself
DELEGATES: dict[str, str | None] = {
    "edgetpu": "libedgetpu.so.1",
    "xnnpack": None,
    "cpu": None,
}


_EDGETPU_OPERATOR = "edgetpu-custom-op"
_FALLS_BACK = ": the CPU does its work"


class TfliteEngine:
    """A .tflite model in its interpreter, with XNNPACK where the wheel has it."""

    name = "tflite"

    def __init__(self, model: bytes, options: EngineOptions) -> None:
        with silenced():
            package = _package()
            delegates, notes = _delegates(package, options)
            try:
                self._interpreter = package.Interpreter(
                    model_content=model, num_threads=options.threads, experimental_delegates=delegates
                )
                self._interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                raise ModelError(f"the tflite engine cannot load the model: {_reason(error, notes)}") from None
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self.inputs = tuple(_info(detail) for detail in inputs)
        self.outputs = tuple(_info(detail) for detail in outputs)
        self.metadata: Mapping[str, str] = {}
        self.notes = tuple(notes)
        self._input_ids = [int(detail["index"]) for detail in inputs]
        self._output_ids = [int(detail["index"]) for detail in outputs]
        self._shapes = [tuple(map(int, detail["shape"])) for detail in inputs]

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs for one set of inputs, in the file's order."""
        try:
            self._resize([array.shape for array in inputs])
            for index, array in zip(self._input_ids, inputs, strict=True):
                self._interpreter.set_tensor(index, array)
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(index) for index in self._output_ids]
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"the tflite engine could not run the model: {_first_line(error)}") from None

    def __enter__(self) -> TfliteEngine:
        return self

    def __exit__(self, *exc: object) -> None:
        del self._interpreter

    def _resize(self, shapes: list[tuple[int, ...]]) -> None:
        """Give axes that the file leaves free the size they have now; those it fixes are the interpreter's to check."""
        if shapes == self._shapes:
            return
        for index, info, shape in zip(self._input_ids, self.inputs, shapes, strict=True):
            if len(shape) == len(info.shape) and None in info.shape:
                self._interpreter.resize_tensor_input(index, shape, strict=True)
        self._interpreter.allocate_tensors()
        self._shapes = shapes


def tensor_shapes(model: bytes, shape: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor by its name, for a first input of this one; delegates would hide inner ones."""
    with silenced():
        package = _package()
        try:
            plain = package.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            interpreter = package.Interpreter(model_content=model, experimental_op_resolver_type=plain)
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], list(shape), strict=True)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"the tflite engine cannot size the model: {_first_line(error)}") from None
    return {detail["name"]: tuple(map(int, detail["shape"])) for detail in interpreter.get_tensor_details()}


def _package() -> Any:
    """The interpreter's module, the newer package first."""
    for name in _PACKAGES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ModelError("the engine tflite is not installed: pip install ai-edge-litert")


def _delegates(package: Any, options: EngineOptions) -> tuple[list[Any], list[str]]:
    """The asked delegates that could be loaded, and what is said of the others."""
    import ctypes

    delegates, notes = [], []
    for accelerator in options.accelerators:
        if accelerator not in DELEGATES and not accelerator.endswith(".so"):
            known = ", ".join(DELEGATES)
            raise ModelError(
                f"tflite has no accelerator called {accelerator!r}; there are {known}, or a delegate's .so"
            )
        library = DELEGATES.get(accelerator, accelerator)
        if library is None:
            continue
        try:
            ctypes.CDLL(library)  # a Delegate of a library that is not there fails once more when it is collected
            delegates.append(package.load_delegate(library))
        except (ValueError, OSError, RuntimeError) as error:
            notes.append(f"{accelerator} could not be started ({_first_line(error)}){_FALLS_BACK}")
    return delegates, notes


def _reason(error: Exception, notes: Sequence[str]) -> str:
    """Why the interpreter refuses a model, and what to do where the operators that it lacks are well known."""
    text = str(error)
    if _EDGETPU_OPERATOR in text:
        lost = next((f", and {note.removesuffix(_FALLS_BACK)}" for note in notes if note.startswith("edgetpu")), "")
        return (
            f"it is compiled for the Edge TPU{lost}: run it with --engine tflite:edgetpu where a Coral is plugged in"
            " and libedgetpu installed (libedgetpu1-std), or give the .tflite that edgetpu_compiler was given"
        )
    if "Flex" in text or "Select TensorFlow op" in text:
        return (
            "it has operators of TensorFlow itself (Flex): convert it again with TFLITE_BUILTINS alone as"
            " converter.target_spec.supported_ops"
        )
    return _first_line(error)


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _info(detail: dict[str, Any]) -> TensorInfo:
    signature = detail.get("shape_signature")
    shape = tuple(int(axis) if axis > 0 else None for axis in (detail["shape"] if signature is None else signature))
    scale, zero_point = detail.get("quantization", (0.0, 0))
    return TensorInfo(detail["name"], shape, np.dtype(detail["dtype"]).name, float(scale) or None, int(zero_point))
