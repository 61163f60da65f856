"""Half-precision weights: half the size, for GPUs and for people who want no calibration."""

from __future__ import annotations

import copy

from edgelens.runtime.engines.telemetry import kept_here
from edgelens.runtime.errors import WorkError

from ..export import onnx as to_onnx
from ..export import tflite as to_tflite
from ..export.artifact import FLOAT_PIXELS, Artifact
from ..export.exported import Exported
from ..host.quiet import quiet

__all__ = ["float16_artifacts"]


def float16_artifacts(exported: Exported) -> list[Artifact]:
    """Float16 files: ONNX computes in half precision between float borders, TFLite stores halves only."""
    artifacts = []
    if exported.onnx is not None:
        artifacts.append(Artifact("onnxruntime", "float16", _onnx(exported), FLOAT_PIXELS, exported.outputs))
    if exported.tflite is not None:
        artifacts.append(Artifact("tflite", "float16", _tflite(exported.tflite), FLOAT_PIXELS, exported.outputs))
    return artifacts


def _onnx(exported: Exported) -> bytes:
    with quiet():
        kept_here()
        from onnxruntime.transformers.float16 import convert_float_to_float16

        model = to_onnx.with_pixels(copy.deepcopy(exported.onnx))
        half = convert_float_to_float16(model, keep_io_types=True, op_block_list=["DequantizeLinear"])
    return bytes(half.SerializeToString())


def _tflite(prepared: bytes) -> bytes:
    with quiet():
        from litert_quantizer import algorithm_manager, qtyping, quantizer

        work = quantizer.Quantizer(prepared)
        work.add_weight_only_config(
            ".*",
            qtyping.TFLOperationName.ALL_SUPPORTED,
            16,
            algorithm_key=algorithm_manager.AlgorithmName.FLOAT_CASTING,
        )
        try:
            result = work.quantize(enable_progress_report=False)
        except (ValueError, RuntimeError) as error:
            raise WorkError(f"the TFLite quantizer failed: {str(error).splitlines()[0][:200]}") from error
    assert result.quantized_model is not None
    return to_tflite.with_pixels(bytes(result.quantized_model))
