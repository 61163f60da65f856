"""A classifier that also gives what its classifier looks at, so that a device can tell what is like nothing learned."""

from __future__ import annotations

from torch import Tensor, nn

from edgelens.runtime.decode.known import FEATURES

__all__ = ["Knowing"]


class Knowing(nn.Module):
    """A network's own output and, behind it, the row that its classifier is given."""

    def __init__(self, network: nn.Module, output: str) -> None:
        super().__init__()
        self.network, self.output = network, output

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, classes) and (B, features) of pictures (B, C, H, W)."""
        row: Tensor = self.network.embedding(x)  # type: ignore[operator]
        classifier: nn.Module = self.network.get_submodule("classifier")
        return {self.output: classifier(row), FEATURES: row}
