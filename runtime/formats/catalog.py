"""Model file formats by suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..errors import ModelError
from .description import FormatError, ModelDescription

__all__ = ["FORMATS", "describe"]


def _onnx(data: bytes) -> ModelDescription:
    from .onnx_file import read_onnx

    return read_onnx(data)


def _tflite(data: bytes) -> ModelDescription:
    from .tflite_file import read_tflite

    return read_tflite(data)


FORMATS: dict[str, Callable[[bytes], ModelDescription]] = {".onnx": _onnx, ".tflite": _tflite}


def describe(data: bytes, name: str) -> ModelDescription:
    """What a model file says of itself; its name's suffix tells the format."""
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        raise ModelError(f"{name}: is no model file: .edge, {' or '.join(FORMATS)} run here")
    if not data:
        raise ModelError(f"{name}: is empty")
    try:
        return FORMATS[suffix](data)
    except FormatError as error:
        raise ModelError(f"{name}: is no {suffix[1:]} file or is damaged ({error})") from None
