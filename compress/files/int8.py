"""The 8-bit files of an exported network: from ranges decided on the torch side, or calibrated a format."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..export.artifact import FLOAT_PIXELS, INT8_PIXELS, Artifact
from ..export.exported import Exported
from ..export.match import require_matches
from ..quantize.per_format import calibrate_onnx, calibrate_tflite
from ..quantize.ptq_onnx import quantize_onnx
from ..quantize.ptq_tflite import quantize_tflite
from ..quantize.ranges import Quantized

__all__ = ["calibrated_artifacts", "int8_artifacts"]


def int8_artifacts(exported: Exported, quantized: Quantized) -> list[Artifact]:
    """The 8-bit files of ranges that were decided on the torch side."""
    artifacts = []
    if exported.onnx is not None:
        require_matches(list(exported.unmatched.get("onnx", ())), "ONNX")
        data = quantize_onnx(exported.onnx, quantized, dict(exported.onnx_names)).SerializeToString()
        artifacts.append(Artifact("onnxruntime", "int8", data, FLOAT_PIXELS, exported.outputs))
    if exported.tflite is not None:
        require_matches(list(exported.unmatched.get("tflite", ())), "TFLite")
        data = quantize_tflite(exported.tflite, quantized)
        artifacts.append(Artifact("tflite", "int8", data, INT8_PIXELS, exported.outputs))
    return artifacts


def calibrated_artifacts(
    exported: Exported, images: NDArray[np.uint8], *, full_integer: bool = False
) -> list[Artifact]:
    """The 8-bit files of a network that each format is calibrated for by itself."""
    artifacts = []
    if exported.onnx is not None:
        model = calibrate_onnx(exported.onnx, images, full_integer=full_integer)
        artifacts.append(Artifact("onnxruntime", "int8", model.SerializeToString(), FLOAT_PIXELS, exported.outputs))
    if exported.tflite is not None:
        data = calibrate_tflite(exported.tflite, images, full_integer=full_integer)
        artifacts.append(Artifact("tflite", "int8", data, INT8_PIXELS, exported.outputs))
    return artifacts
