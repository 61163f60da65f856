"""A network that ends in an embedding: any trunk's maps, their means over the picture, one dense layer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from edgelens.runtime.errors import UsageError

from ...models.blocks import PooledClassifier
from ...models.catalog import names_of
from ...models.lite0 import Lite0, Lite0Front, Lite0Trunk, front_maps

__all__ = ["WIDTH", "Embedder"]

WIDTH = 128  # numbers of an embedding
_STAGES = 3  # of a trunk that has seen the world, chosen on groceries (`benchmarks/train_identify.py`)


class Embedder(nn.Module):
    """What a classifier's network makes of pictures, in 128 numbers; length and cosine are taken outside of it.

    Of a trunk that has seen the world the last three stages are pooled: what comes behind them knows kinds, not
    individuals (faces recognized by one picture: 99.8 %, by the last two 99.4, by its last layer 95.6).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        if not isinstance(network, PooledClassifier):
            there = ", ".join(names_of(PooledClassifier))
            raise UsageError(f"--model: an identifier needs a network that ends in maps: {there}")
        self.layers, self.pool = network.layers, network.pool
        self._maps = next((maps for kind, maps in _MAPS.items() if isinstance(network, kind)), _last_maps)
        features = network.classifier.in_features
        if isinstance(network, Lite0):
            trunk = network.layers.get_submodule("trunk")
            assert isinstance(trunk, Lite0Trunk)
            self.layers = nn.Sequential(OrderedDict(trunk=trunk))
            features = sum(trunk.stage_channels[-_STAGES:])
        self.classifier = nn.Linear(features, WIDTH)

    def embedding(self, x: Tensor) -> Tensor:
        """What the dense layer looks at: one row a picture of (B, C, H, W)."""
        means = [self.pool(each) for each in self._maps(self.layers, x)]
        return torch.cat(means, 1).flatten(1)  # in this order, in which Torch-Pruning can follow the channels

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings (B, 128) of pictures (B, C, H, W), of whatever length they have."""
        row: Tensor = self.classifier(self.embedding(x))
        return row


def _last_maps(layers: nn.Module, x: Tensor) -> Sequence[Tensor]:
    return (layers(x),)


def _stage_maps(layers: nn.Module, x: Tensor) -> Sequence[Tensor]:
    trunk = layers.get_submodule("trunk")
    assert isinstance(trunk, Lite0Trunk)
    return trunk.ends(x)[-_STAGES:]


_MAPS: dict[type[nn.Module], Callable[[nn.Module, Tensor], Sequence[Tensor]]] = {
    Lite0: _stage_maps,
    Lite0Front: front_maps,
}
