"""An exponential moving average of a network's weights: often a little better than the weights themselves."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

__all__ = ["Average"]


class Average:
    """A copy of a network that follows it slowly; early on faster, so that the random start is forgotten.

    Where the start knew much (`halfway`) it is kept: halfway back to it, what few photos teach on top of it stays, and
    what they spoil does not (Wortsman et al., 2022).
    """

    def __init__(self, network: nn.Module, decay: float, *, halfway: bool = False) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        self.decay, self.updates = decay, 0
        self.start = [t.clone() for t in _numbers(network)] if halfway else None

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move towards the network's present weights, normalisation statistics included."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(_numbers(self.network), _numbers(network), 1 - decay)

    @torch.no_grad()
    def halfway(self) -> nn.Module:
        """A network halfway from the average back to the start, which was kept."""
        assert self.start is not None
        between = copy.deepcopy(self.network)
        torch._foreach_lerp_(_numbers(between), self.start, 0.5)
        return between


def _numbers(network: nn.Module) -> list[Tensor]:
    return [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
