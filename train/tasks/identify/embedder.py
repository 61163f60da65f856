"""A network that ends in an embedding: any trunk's maps, their means over the picture, one dense layer."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from edgelens.runtime.errors import UsageError

from ...models.blocks import PooledClassifier
from ...models.lite0 import Lite0Trunk

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
            raise UsageError("--model: an identifier needs a network that ends in maps: lite0, lens-s, lens-m, resnet")
        trunk = getattr(network.layers, "trunk", None)
        self._deep = isinstance(trunk, Lite0Trunk)
        self.layers = nn.Sequential(OrderedDict(trunk=trunk)) if isinstance(trunk, Lite0Trunk) else network.layers
        self.pool = network.pool
        features = network.classifier.in_features
        if isinstance(trunk, Lite0Trunk):
            features = sum(trunk.stage_channels[-_STAGES:])
        self.classifier = nn.Linear(features, WIDTH)

    def embedding(self, x: Tensor) -> Tensor:
        """What the dense layer looks at: one row a picture of (B, C, H, W)."""
        trunk = self.layers.get_submodule("trunk") if self._deep else None
        maps = trunk.ends(x)[-_STAGES:] if isinstance(trunk, Lite0Trunk) else [self.layers(x)]
        rows = [self.pool(each).flatten(1) for each in maps]
        return rows[0] if len(rows) == 1 else torch.cat(rows, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings (B, 128) of pictures (B, C, H, W), of whatever length they have."""
        row: Tensor = self.classifier(self.embedding(x))
        return row
