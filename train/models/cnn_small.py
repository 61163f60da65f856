"""The tutorials' first convolutional network: conv 32, pool, conv 64, pool, dense 64 (or 128)."""

from __future__ import annotations

from torch import nn

from .blocks import DenseClassifier, activation, pooling
from .options import ModelOptions, Shape, wider

__all__ = ["CnnSmall"]


class CnnSmall(DenseClassifier):
    """Unpadded 3×3 convolutions with pooling between; on 28×28×1 and dense 64 it has 121,930 weights."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        first, second = wider(32, options.width), wider(64, options.width)
        layers = nn.Sequential(
            nn.Conv2d(shape.channels, first, 3),
            activation(options.activation),
            pooling(options.pool),
            nn.Conv2d(first, second, 3),
            activation(options.activation),
            pooling(options.pool),
        )
        features = second * _left(shape.height) * _left(shape.width)
        super().__init__(layers, features, [options.dense or 64], options, shape)


def _left(side: int) -> int:
    """What two unpadded 3×3 convolutions, each halved by pooling, leave of a side."""
    return ((side - 2) // 2 - 2) // 2
