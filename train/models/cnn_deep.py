"""The tutorials' second convolutional network: conv 32, pool, conv 64, pool, conv 64, dense 64."""

from __future__ import annotations

from torch import nn

from .blocks import DenseClassifier, activation, pooling
from .options import ModelOptions, Shape, wider

__all__ = ["CnnDeep"]


class CnnDeep(DenseClassifier):
    """Three unpadded 3×3 convolutions (`depth` adds padded ones at the end); 93,322 weights on 28×28×1."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        first, second = wider(32, options.width), wider(64, options.width)
        layers: list[nn.Module] = [
            nn.Conv2d(shape.channels, first, 3),
            activation(options.activation),
            pooling(options.pool),
            nn.Conv2d(first, second, 3),
            activation(options.activation),
            pooling(options.pool),
            nn.Conv2d(second, second, 3),
            activation(options.activation),
        ]
        for _ in range((options.depth or 3) - 3):
            layers += [nn.Conv2d(second, second, 3, padding=1), activation(options.activation)]
        features = second * _left(shape.height) * _left(shape.width)
        super().__init__(nn.Sequential(*layers), features, [options.dense or 64], options, shape)


def _left(side: int) -> int:
    """What three unpadded 3×3 convolutions, the first two halved by pooling, leave of a side."""
    return ((side - 2) // 2 - 2) // 2 - 2
