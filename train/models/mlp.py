"""A plain feed-forward network: `depth` hidden layers of `dense` units."""

from __future__ import annotations

from torch import nn

from .blocks import DenseClassifier
from .options import ModelOptions, Shape, wider

__all__ = ["Mlp"]


class Mlp(DenseClassifier):
    """Pixels through dense layers: two of 256 unless said."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        hidden = [wider(options.dense or 256, options.width)] * (options.depth or 2)
        super().__init__(nn.Identity(), shape.channels * shape.height * shape.width, hidden, options, shape)
