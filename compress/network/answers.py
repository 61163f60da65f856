"""What a torch network answers to pictures, by the names of its outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.train.task import by_name

from .prepared import prepared_batches

__all__ = ["InOrder", "in_order", "torch_outputs"]


class InOrder(nn.Module):
    """A network of several outputs that gives them as a tuple, in the names' order, whatever it gives by itself."""

    def __init__(self, network: nn.Module, outputs: Sequence[str]) -> None:
        super().__init__()
        self.network, self.outputs = network, tuple(outputs)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """The outputs."""
        return tuple(by_name(self.network(x), self.outputs).values())


def in_order(network: nn.Module, outputs: Sequence[str]) -> nn.Module:
    """The network as exporters take it: one tensor, or a tuple in the names' order."""
    plain = len(outputs) < 2 or isinstance(network, (torch.fx.GraphModule, InOrder))
    return network if plain else InOrder(network, outputs)


@torch.no_grad()
def torch_outputs(
    network: nn.Module, pictures: NDArray[np.uint8], outputs: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """A network's answers for pictures (N, H, W, C), (N, ...) each."""
    parts = [by_name(network(batch), outputs) for batch in prepared_batches(pictures)]
    return {name: np.concatenate([part[name].float().numpy() for part in parts]) for name in outputs}
