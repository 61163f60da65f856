"""VGG (Simonyan & Zisserman, 2014) for small images: stages of 3×3 convolutions, twice as wide after every pooling."""

from __future__ import annotations

from torch import nn

from .blocks import DenseClassifier, conv_norm_act, he_weights, pooling
from .options import ModelOptions, Shape, wider

__all__ = ["Vgg"]


class Vgg(DenseClassifier):
    """Three stages of `depth` convolutions (2 unless said), batch-normalised since plain ones hardly train."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        layers: list[nn.Module] = []
        inputs = shape.channels
        for channels in (32, 64, 128):
            outputs = wider(channels, options.width)
            for _ in range(options.depth or 2):
                layers.append(conv_norm_act(inputs, outputs, act=options.activation))
                inputs = outputs
            layers.append(pooling(options.pool))
        features = inputs * (shape.height // 8) * (shape.width // 8)
        dense = wider(options.dense or 128, options.width)
        super().__init__(nn.Sequential(*layers), features, [dense], options, shape, drop=0.3)
        he_weights(self)
