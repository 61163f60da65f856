"""The tutorials' first convolutional network: conv 32, pool, conv 64, pool, dense 64 (or 128)."""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import activation, pooling
from .options import ModelOptions, Shape, wider

__all__ = ["CnnSmall"]


class CnnSmall(nn.Module):
    """Unpadded 3×3 convolutions with pooling between; on 28×28×1 and dense 64 it has 121,930 weights."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        super().__init__()
        first, second = wider(32, options.width), wider(64, options.width)
        dense = options.dense or 64
        self.features = nn.Sequential(
            nn.Conv2d(shape.channels, first, 3),
            activation(options.activation),
            pooling(options.pool),
            nn.Conv2d(first, second, 3),
            activation(options.activation),
            pooling(options.pool),
        )
        height, width = _left(shape.height), _left(shape.width)
        self.dense = nn.Sequential(
            nn.Flatten(),
            nn.Linear(second * height * width, dense),
            activation(options.activation),
            nn.Dropout(options.dropout),
        )
        self.classifier = nn.Linear(dense, shape.classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, 64, h, w) after the second pooling."""
        maps: Tensor = self.features(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) → (B, classes)
        logits: Tensor = self.classifier(self.dense(self.forward_features(x)))
        return logits


def _left(side: int) -> int:
    """What two unpadded 3×3 convolutions, each halved by pooling, leave of a side."""
    return ((side - 2) // 2 - 2) // 2
