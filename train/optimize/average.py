"""An exponential moving average of a network's weights: often a little better than the weights themselves."""

from __future__ import annotations

import copy

import torch
from torch import nn

__all__ = ["Average"]


class Average:
    """A copy of a network that follows it slowly; early on faster, so that the random start is forgotten."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        self.decay, self.updates = decay, 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move towards the network's present weights, normalisation statistics included."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        mine = [t for t in self.network.state_dict().values() if t.is_floating_point()]
        new = [t for t in network.state_dict().values() if t.is_floating_point()]
        torch._foreach_lerp_(mine, new, 1 - decay)
