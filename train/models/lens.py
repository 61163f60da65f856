"""The kit's own networks: residual 3×3 convolutions where 8-bit kernels are fastest and scales cost least.

In an int8 file every channel of a convolution carries about 28 bytes of bias and scales. A 3×3 convolution spreads
that over nine times as many weights as the 1×1 convolutions of depthwise blocks do, so that at these sizes plain
residual blocks are the better use of a byte; rectifiers and batch normalisation fold away.
"""

from __future__ import annotations

from torch import nn

from .blocks import PooledClassifier, he_weights, stem
from .options import ModelOptions, Shape, wider
from .resnet import residual_stages

__all__ = ["LensM", "LensS"]


class LensS(PooledClassifier):
    """Under 98,496 bytes in int8: 16, 32 and 48 channels in 2, 2 and 1 blocks (`depth` sets all three)."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        layers, features = _layers(((16, 2), (32, 2), (48, 1)), options, shape)
        super().__init__(layers, features, options, shape)
        he_weights(self)


class LensM(PooledClassifier):
    """Under 512,024 bytes in int8: 32, 64 and 96 channels in two blocks each (`depth` sets all three)."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        layers, features = _layers(((32, 2), (64, 2), (96, 2)), options, shape)
        super().__init__(layers, features, options, shape)
        he_weights(self)


def _layers(stages: tuple[tuple[int, int], ...], options: ModelOptions, shape: Shape) -> tuple[nn.Sequential, int]:
    widths = [wider(channels, options.width) for channels, _ in stages]
    blocks = [options.depth or count for _, count in stages]
    first = stem(shape, widths[0], options.activation)
    rest = residual_stages(widths[0], list(zip(widths, blocks, strict=True)), options.activation)
    return nn.Sequential(first, rest), widths[-1]
