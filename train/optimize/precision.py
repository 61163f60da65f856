"""In which number format and memory layout a network trains fastest here: measured once, then stored with the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, fx, nn

from edgelens.runtime.errors import UsageError

__all__ = ["MODES", "autocast", "fastest", "images_per_s", "kept", "laid_out", "loses_memory", "plain_mode"]

MODES = ("float32", "channels-last", "bfloat16")  # bfloat16 runs channels-last under autocast
_SAFE = 8  # channels of a strided 1×1 convolution, from which on channels-last is safe
_STEPS, _FEWEST, _LONG_S = 5, 2, 6.0  # steps to time a mode by; two do where they take long
_HOPELESS = 2.0  # times slower than the best so far
_GAIN = {"channels-last": 1.05, "bfloat16": 1.2}  # how much faster than float32 is worth the change


def laid_out(tensors: Any, mode: str) -> Any:
    """A network or a batch in the mode's memory layout."""
    layout = torch.contiguous_format if mode == "float32" else torch.channels_last
    if isinstance(tensors, nn.Module):
        return tensors.to(memory_format=layout)  # type: ignore[call-overload]
    return tensors.contiguous(memory_format=layout)


def autocast(mode: str, device: torch.device) -> AbstractContextManager[Any]:
    """The context that forward passes run in."""
    return torch.autocast(device.type, torch.bfloat16) if mode == "bfloat16" else nullcontext()


def fastest(
    network: nn.Module, inputs: Tensor, loss: Callable[[Any], Tensor], asked: str = "auto"
) -> tuple[str, dict[str, float]]:
    """The mode to train in and the images per second that each reached; the network's weights are left as they are."""
    crashes = inputs.device.type == "cpu" and loses_memory(network)
    if asked == "channels-last" and crashes:
        why = f"a strided 1×1 convolution of under {_SAFE} channels crashes in it"
        raise UsageError(f"--precision {asked}: {why}; take float32")
    if asked in MODES:
        return asked, {}
    if asked != "auto":
        raise UsageError(f"--precision {asked}: must be auto or one of {', '.join(MODES)}")
    if inputs.device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "channels-last", {}
    measured: dict[str, float] = {}
    for mode in MODES:
        if mode == "channels-last" and crashes:
            continue
        measured[mode] = images_per_s(
            network, inputs, loss, mode, at_least=max(measured.values(), default=0) / _HOPELESS
        )
    worth = [mode for mode, gain in _GAIN.items() if measured.get(mode, 0.0) > gain * measured["float32"]]
    return max(worth, key=measured.__getitem__, default="float32"), measured


def kept(network: nn.Module, inputs: Tensor, loss: Callable[[Any], Tensor], mode: str) -> str:
    """A training's own mode for what repairs its network: by clocks alone two repairs with one seed would differ.

    Where that mode crashes, or takes twice as long as float32 (another processor than the training's), it is float32.
    """
    on_cpu = inputs.device.type == "cpu"
    if mode == "float32" or (mode == "channels-last" and on_cpu and loses_memory(network)):
        return "float32"
    if on_cpu:
        plain = images_per_s(network, inputs, loss, "float32")
        if images_per_s(network, inputs, loss, mode, at_least=plain / _HOPELESS) < plain / _HOPELESS:
            return "float32"
    return mode


def plain_mode(network: nn.Module) -> str:
    """The mode of full precision for what is no training with a mode of its own: channels-last where that is safe."""
    return "float32" if loses_memory(network) else "channels-last"


def loses_memory(network: nn.Module) -> bool:
    """Whether the way back to the weights would write where it must not: torch 2.13 does in channels-last, seen on x86.

    A network may be a traced graph, whose convolutions are no modules.
    """
    if isinstance(network, fx.GraphModule):
        nodes = (node for node in network.graph.nodes if node.target == torch.ops.aten.conv2d.default)
        return any(_is_astray(network, node) for node in nodes)
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return any(_astray(conv.in_channels, conv.kernel_size, conv.stride) for conv in convolutions)


def _is_astray(network: fx.GraphModule, node: fx.Node) -> bool:
    """The same of a convolution in a graph, whose weights may be rounded on their way."""
    weight: Any = node.args[1]
    while weight.op != "get_attr":
        weight = weight.args[0]
    values = attrgetter(str(weight.target))(network)
    stride: Any = node.args[3] if len(node.args) > 3 else (1,)
    groups: Any = node.args[6] if len(node.args) > 6 else 1
    return _astray(values.shape[1] * groups, tuple(values.shape[2:]), stride)


def _astray(channels: int, kernel: Sequence[int], stride: Sequence[int]) -> bool:
    return max(kernel) == 1 and max(stride) > 1 and 1 < channels < _SAFE


def images_per_s(
    network: nn.Module, inputs: Tensor, loss: Callable[[Any], Tensor], mode: str, *, at_least: float = 0.0
) -> float:
    """The best of a few training steps, the first of which warm kernels up; the network's weights stay as they are.

    A mode that is slower than `at_least` from its second step on is given up: large networks differ by six times.
    """
    kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    try:
        return _best_of_steps(laid_out(network, mode).train(), laid_out(inputs, mode), loss, mode, at_least)
    finally:
        network.load_state_dict(kept)


def _best_of_steps(
    network: nn.Module, inputs: Tensor, loss: Callable[[Any], Tensor], mode: str, at_least: float
) -> float:
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < _STEPS and (len(times) < _FEWEST or time.perf_counter() - began < _LONG_S):
        start = time.perf_counter()
        with autocast(mode, inputs.device):
            value = loss(network(inputs))
        torch.autograd.backward(value)
        if inputs.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
        network.zero_grad(set_to_none=True)
        if len(times) > 1 and len(inputs) < at_least * min(times):
            break
    return len(inputs) / min(times[min(len(times) - 1, 2) :])
