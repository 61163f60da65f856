"""8-bit TFLite from ranges: litert-quantizer, told every range and which operators to leave alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.errors import WorkError

from ..export import tflite
from ..export.onnx import INPUT, PREPARED
from ..host.quiet import quiet
from .ranges import PIXELS, Quantized

__all__ = ["quantize_tflite", "run_quantizer", "with_names"]


def quantize_tflite(prepared: bytes, quantized: Quantized) -> bytes:
    """The 8-bit file of a prepared float one whose tensors bear the graph's names; int8 pixels in."""
    left = _left_float(prepared, quantized)
    qsvs = {PREPARED: _qsv(PIXELS.low, PIXELS.high)}
    for _, _, results in tflite.operators(prepared):
        for name in results:
            node = name.split("/")[0]
            chosen = PIXELS if node == PREPARED else quantized.ranges.get(_renamed(node, quantized))
            if chosen is None:
                if name in left:
                    continue
                raise WorkError(f"{name}: no range is known for this tensor of the TFLite file")
            qsvs[name] = _qsv(chosen.low, chosen.high)
    data = run_quantizer(prepared, qsvs, left, static=True)
    return with_names(data, prepared)


def run_quantizer(
    model: bytes, qsvs: Mapping[str, Any], left_float: set[str], *, static: bool, weight_only: bool = False
) -> bytes:
    """litert-quantizer on a file: everything but the operators whose outputs are named in `left_float`."""
    with quiet():
        from litert_quantizer import algorithm_manager, qtyping, quantizer

        work = quantizer.Quantizer(model)
        every = qtyping.TFLOperationName.ALL_SUPPORTED
        if static:
            work.add_static_config(".*", every, 8, 8)
        elif weight_only:
            work.add_weight_only_config(".*", every, 8)
        else:
            work.add_dynamic_config(".*", every, 8)
        if left_float:
            # the scope of an operator is its outputs' names, each followed by a semicolon
            pattern = "|".join(re.escape(name) for name in sorted(left_float))
            work.update_quantization_recipe(
                rf"(^|;)({pattern})(;|$)", every, algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE
            )
        try:
            result = work.quantize(dict(qsvs) if static else None, enable_progress_report=False)
        except (ValueError, RuntimeError, KeyError) as error:
            raise WorkError(f"the TFLite quantizer failed: {str(error).splitlines()[0][:200]}") from error
    assert result.quantized_model is not None
    return bytes(result.quantized_model)


def _left_float(prepared: bytes, quantized: Quantized) -> set[str]:
    """Outputs of the operators that the plan leaves float."""
    left = set()
    outputs = {name for _, _, results in tflite.operators(prepared) for name in results}
    for name in outputs:
        if _renamed(name.split("/")[0], quantized) in quantized.plan.left_float:
            left.add(name)
    return left


def _renamed(name: str, quantized: Quantized) -> str:
    """A tensor's node; the file's outputs bear their own names."""
    return quantized.plan.outputs.get(name, name)


def _qsv(low: float, high: float) -> dict[str, NDArray[np.float32]]:
    return {"min": np.array([[[[low]]]], np.float32), "max": np.array([[[[high]]]], np.float32)}


def with_names(data: bytes, prepared: bytes) -> bytes:
    """The pixel tensor and the outputs under the float file's names: the quantizer names the ends that it adds."""
    model, outputs = tflite.read_model(data), tflite.output_names(tflite.read_model(prepared))
    graph = model.subgraphs[0]
    ends = dict(zip(map(int, graph.outputs), outputs, strict=True))
    inside = {
        index: f"{name}/inside"
        for index, tensor in enumerate(graph.tensors)
        if (name := tensor.name.decode()) in outputs and index not in ends
    }
    tflite.rename_tensors(model, {**inside, **ends, graph.inputs[0]: INPUT})
    for signature in model.signatureDefs or ():
        signature.inputs[0].name = INPUT.encode()
        for entry in signature.outputs:  # where an output is used inside too, it still points there
            entry.tensorIndex = graph.outputs[outputs.index(entry.name.decode())]
    return tflite.write_model(model)
