"""In which number format and memory layout a network trains fastest here: measured once, then stored with the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from edgelens.runtime.errors import UsageError

__all__ = ["MODES", "autocast", "fastest", "laid_out"]

MODES = ("float32", "channels-last", "bfloat16")  # bfloat16 runs channels-last under autocast
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
    if asked in MODES:
        return asked, {}
    if asked != "auto":
        raise UsageError(f"--precision {asked}: must be auto or one of {', '.join(MODES)}")
    if inputs.device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "channels-last", {}
    kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    measured = {mode: _images_per_s(network, inputs, loss, mode) for mode in MODES}
    network.load_state_dict(kept)
    worth = [mode for mode, gain in _GAIN.items() if measured[mode] > gain * measured["float32"]]
    return max(worth, key=measured.__getitem__, default="float32"), measured


def _images_per_s(network: nn.Module, inputs: Tensor, loss: Callable[[Any], Tensor], mode: str) -> float:
    """The best of a few training steps; the first ones warm kernels up."""
    network = laid_out(network, mode).train()
    batch = laid_out(inputs, mode)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        with autocast(mode, inputs.device):
            value = loss(network(batch))
        torch.autograd.backward(value)
        times.append(time.perf_counter() - start)
        network.zero_grad(set_to_none=True)
    return len(inputs) / min(times[2:])
