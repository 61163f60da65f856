"""Float ONNX: exported once with normalised NHWC floats in, then given the pixel contract by graph surgery."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from edgelens.runtime.errors import ModelError
from edgelens.runtime.preprocess import PixelContract

from ..host.quiet import quiet
from ..network.graph import example_input

__all__ = ["INPUT", "PREPARED", "Nhwc", "export_prepared", "with_pixels"]

INPUT = "image"
PREPARED = "prepared"
OPSET = 18
IR_VERSION = 8  # the one of opset 18: onnxruntime of older boards reads it


class Nhwc(nn.Module):
    """A network of (B, C, H, W) that takes (B, H, W, C)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> Any:
        """The network's outputs for pixels in their own order."""
        return self.network(image.permute(0, 3, 1, 2))


def export_prepared(
    network: nn.Module, pixels: PixelContract, *, outputs: Sequence[str], dynamic_batch: bool = False
) -> Any:
    """An ONNX ModelProto whose input `prepared` is float32 (B, H, W, C) in [-1, 1) and whose outputs are float32."""
    import onnx

    wrapper = Nhwc(network).eval()
    sample = example_input(pixels, batch=2 if dynamic_batch else 1).permute(0, 2, 3, 1).contiguous()
    shapes = ({0: torch.export.Dim("batch", min=1, max=65536)},) if dynamic_batch else None
    try:
        with quiet():
            program = torch.onnx.export(
                wrapper,
                (sample,),
                None,
                dynamo=True,
                opset_version=OPSET,
                input_names=[PREPARED],
                output_names=list(outputs),
                dynamic_shapes=shapes,
                external_data=False,
                verbose=False,
            )
    except Exception as error:
        raise ModelError(f"the network cannot be exported to ONNX: {first_line(error)}") from error
    assert program is not None
    model = onnx.shape_inference.infer_shapes(program.model_proto)
    _strip(model)
    return model


def with_pixels(prepared: Any) -> Any:
    """The float model of a prepared one: uint8 pixels in, put in the network's order as bytes, then made floats.

    (pixel - 128) / 128 is what DequantizeLinear computes: one operator where a Cast, a Mul and an Add took 3 µs more.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = copy.deepcopy(prepared)
    graph = model.graph
    entry, body = graph.input[0], list(graph.node)
    shape = [axis.dim_param or axis.dim_value for axis in entry.type.tensor_type.shape.dim]
    source, floats, head = INPUT, entry.name, []
    if body[0].op_type == "Transpose" and not any(entry.name in node.input for node in body[1:]):
        order = copy.deepcopy(body.pop(0))
        source, floats = f"{INPUT}_nchw", order.output[0]
        order.input[0], order.output[0] = INPUT, source
        head.append(order)
    constants = {"pixels_scale": np.array(1 / 128, np.float32), "pixels_zero": np.array(128, np.uint8)}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    head.append(helper.make_node("DequantizeLinear", [source, *constants], [floats], name="pixels"))
    del graph.node[:], graph.input[:]
    graph.node.extend([*head, *body])
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, shape))
    onnx.checker.check_model(model)
    return model


def _strip(model: Any) -> None:
    """Drop what the exporter leaves for debugging: it is most of a small file."""
    model.doc_string = ""
    model.ir_version = IR_VERSION
    del model.metadata_props[:]
    graph = model.graph
    graph.doc_string = ""
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.doc_string = ""
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
    del graph.metadata_props[:]


def first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
