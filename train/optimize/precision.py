"""In which number format and memory layout a network trains fastest here: measured once, then stored with the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from edgelens.runtime.errors import UsageError

__all__ = ["MODES", "autocast", "fastest", "images_per_s", "laid_out"]

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
    crashes = inputs.device.type == "cpu" and _loses_memory(network)
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


def _loses_memory(network: nn.Module) -> bool:
    """Whether the way back would write where it must not: torch 2.13 does in channels-last, seen on x86."""
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return any(
        max(conv.kernel_size) == 1 and max(conv.stride) > 1 and 1 < conv.in_channels < _SAFE for conv in convolutions
    )


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
