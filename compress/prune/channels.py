"""Channels of convolutional and dense networks, taken out by Torch-Pruning so that every layer still fits the next."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import nn

from edgelens.runtime.errors import WorkError
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.models.cost import cost_of

from ..host.quiet import quiet
from ..network.graph import example_input
from .importance import importance

__all__ = ["macs_of", "output_layers", "prune_channels", "prune_to_macs"]

_LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def macs_of(network: nn.Module, pixels: PixelContract) -> int:
    """Multiply-adds of one picture."""
    return cost_of(network, pixels.channels, (pixels.height, pixels.width)).macs


def prune_channels(
    network: nn.Module, pixels: PixelContract, ratio: float, *, by: str = "magnitude", round_to: int = 8
) -> nn.Module:
    """A copy without the least important share of channels; every output stays as it is."""
    import torch_pruning as tp

    smaller = copy.deepcopy(network).eval().requires_grad_(requires_grad=True)  # layers are found by their gradients
    example = example_input(pixels, 1)
    before = _shapes(smaller, example)
    for original, copied in zip(network.parameters(), smaller.parameters(), strict=True):
        copied.grad = None if original.grad is None else original.grad.clone()
    with quiet():
        pruner = tp.pruner.BasePruner(
            smaller,
            example,
            importance=importance(by),
            global_pruning=True,
            pruning_ratio=ratio,
            max_pruning_ratio=0.9,
            ignored_layers=output_layers(smaller, example),
            round_to=round_to,
        )
        pruner._round_to = _in_tiles  # Torch-Pruning has no other place for it; its version is pinned
        try:
            pruner.step()
            if (after := _shapes(smaller, example)) != before:
                raise ValueError(f"its outputs would be {after} instead of {before}")
        except (RuntimeError, ValueError, AssertionError, ZeroDivisionError, IndexError) as error:
            raise WorkError(f"the network cannot be pruned: {str(error).splitlines()[0][:160]}") from error
    smaller.zero_grad()
    frozen = {name for name, value in network.named_parameters() if not value.requires_grad}
    for name, value in smaller.named_parameters():
        value.requires_grad_(name not in frozen)
    return smaller


def prune_to_macs(
    network: nn.Module, pixels: PixelContract, most: float, *, by: str = "magnitude", round_to: int = 8
) -> nn.Module:
    """The largest pruned copy with at most so many multiply-adds, found by bisecting; else the smallest there is."""
    smallest, fewest = network, math.inf
    for rounding in dict.fromkeys((round_to, max(round_to // 2, 1), max(round_to // 4, 1))):
        # a network of few channels cannot be halved in eights: finer steps then, rather than nothing
        low, high = 0.0, 0.95
        best: nn.Module | None = None
        for _ in range(8):
            middle = (low + high) / 2
            candidate = prune_channels(network, pixels, middle, by=by, round_to=rounding)
            macs = macs_of(candidate, pixels)
            if macs < fewest:
                smallest, fewest = candidate, macs
            if macs <= most:
                best, high = candidate, middle
            else:
                low = middle
        if best is not None:
            return best
    return smallest


def output_layers(network: nn.Module, example: torch.Tensor) -> list[nn.Module]:
    """The last layer before each of a network's outputs, whose channels are what it answers.

    Found on autograd's own way back from every output: the first weights that stand there.
    """
    layers: dict[Any, nn.Module] = {m.weight: m for m in network.modules() if isinstance(m, _LAYERS)}
    last: list[nn.Module] = []
    with torch.enable_grad():
        waiting: list[Any] = [tensor.grad_fn for tensor in _outputs(network, example)]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        before = [each for each, _ in node.next_functions if each is not None]
        weights = [layer for each in before if (layer := layers.get(_parameter(each))) is not None]
        last += weights
        waiting += [] if weights else before
    return list(dict.fromkeys(last))


def _outputs(network: nn.Module, example: torch.Tensor) -> list[torch.Tensor]:
    outputs: Any = network(example)
    return [outputs] if isinstance(outputs, torch.Tensor) else [*getattr(outputs, "values", lambda: outputs)()]


@torch.no_grad()
def _shapes(network: nn.Module, example: torch.Tensor) -> list[tuple[int, ...]]:
    return [tuple(output.shape) for output in _outputs(network, example)]


def _parameter(node: Any) -> Any:
    """The parameter that a step of autograd leads to, a dense layer's transposed weight too; None for anything else."""
    if node.name() == "TBackward0":
        node = node.next_functions[0][0]
    return getattr(node, "variable", None)


def _in_tiles(pruned: int, channels: int, round_to: int) -> int:
    """How many channels go: multiples of `round_to` stay, of a wide layer of twice that.

    Vector kernels compute 16 channels at a time: 24 cost as much as 32, measured.
    """
    step = 2 * round_to if channels >= 4 * round_to else round_to
    kept = channels - pruned
    return channels - max(kept - kept % step, min(step, channels))
