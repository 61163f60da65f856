"""A classifier that also gives what it knows pictures by, so that a device can tell what is like nothing learned."""

from __future__ import annotations

from torch import Tensor, nn

from edgelens.runtime.decode.known import FEATURES
from edgelens.train.head.first import embeds

__all__ = ["Knowing", "giving_as", "knowable", "network_itself"]


class Knowing(nn.Module):
    """A network's own output and, behind it, what of its classifier's row says how alike pictures are."""

    def __init__(self, network: nn.Module, output: str) -> None:
        super().__init__()
        self.network, self.output = network, output

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, classes) and (B, features) of pictures (B, C, H, W)."""
        row: Tensor = self.network.embedding(x)  # type: ignore[operator]
        alike: Tensor = self.network.likeness(row)  # type: ignore[operator]
        classifier: nn.Module = self.network.get_submodule("classifier")
        return {self.output: classifier(row), FEATURES: alike}


def knowable(network: nn.Module) -> bool:
    """Whether a network says what its one classifier looks at."""
    return embeds(network) and hasattr(network, "classifier")


def giving_as(other: nn.Module, network: nn.Module) -> nn.Module:
    """A network that gives its features too where another one does."""
    return Knowing(network, other.output).eval() if isinstance(other, Knowing) else network


def network_itself(network: nn.Module) -> nn.Module:
    """A network without what it gives beside its answers."""
    return network.network if isinstance(network, Knowing) else network
