"""AlexNet (Krizhevsky et al., 2012) for small images: five convolutions, three poolings, two dense layers."""

from __future__ import annotations

from torch import nn

from .blocks import DenseClassifier, activation, he_weights, pooling
from .options import ModelOptions, Shape, wider

__all__ = ["AlexNet"]


class AlexNet(DenseClassifier):
    """The original's order of layers at a third of its width, 3×3 and 5×5 kernels, no local response normalisation."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        a, b, c, d = (wider(n, options.width) for n in (32, 96, 128, 96))

        def conv(inputs: int, outputs: int, size: int) -> list[nn.Module]:
            return [nn.Conv2d(inputs, outputs, size, padding=size // 2), activation(options.activation)]

        layers = nn.Sequential(
            *conv(shape.channels, a, 5),
            pooling(options.pool),
            *conv(a, b, 5),
            pooling(options.pool),
            *conv(b, c, 3),
            *conv(c, c, 3),
            *conv(c, d, 3),
            pooling(options.pool),
        )
        dense = wider(options.dense or 256, options.width)
        features = d * (shape.height // 8) * (shape.width // 8)
        super().__init__(layers, features, [dense, dense], options, shape, drop=0.5)
        he_weights(self)
