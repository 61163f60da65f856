"""What a network costs: its weights and its multiply-adds."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["Cost", "cost_of"]

_PASSING = (nn.modules.batchnorm._BatchNorm, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Hardswish, nn.SiLU, nn.Dropout)


@dataclass(frozen=True)
class Cost:
    """Weights that are trained, and multiply-adds for one picture."""

    parameters: int
    macs: int

    def __str__(self) -> str:
        return f"{self.parameters:,} parameters, {_short(self.macs)} multiply-adds"


def cost_of(network: nn.Module, channels: int, size: tuple[int, int]) -> Cost:
    """The cost of one picture of (height, width) through a network."""
    # on the meta device nothing is computed, and no fused kernel hides its multiplications from the counter
    twin = _bare(copy.deepcopy(network)).to("meta").eval()
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        twin(torch.zeros(1, channels, *size, device="meta"))
    return Cost(sum(p.numel() for p in network.parameters()), counter.get_total_flops() // 2)


def _bare(network: nn.Module) -> nn.Module:
    """A network without the layers that multiply nothing and keep their input's shape: on meta they take most time."""
    for name, child in network.named_children():
        setattr(network, name, nn.Identity() if isinstance(child, _PASSING) else _bare(child))
    return network


def _short(count: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return str(count)
