"""GoogLeNet (Szegedy et al., 2014) for small images: inception blocks that look at four scales at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .blocks import PooledClassifier, conv_norm_act, he_weights, pooling, stem
from .options import Activation, ModelOptions, Shape, wider

__all__ = ["GoogLeNet", "Inception"]


class Inception(nn.Module):
    """1×1, 3×3 and 5×5 convolutions (the larger behind a thinning 1×1) and a pooling, side by side."""

    def __init__(self, inputs: int, outputs: int, act: Activation | None) -> None:
        super().__init__()
        half, quarter, eighth = outputs // 2, outputs // 4, outputs // 8
        self.point = conv_norm_act(inputs, quarter, 1, act=act)
        self.three = nn.Sequential(conv_norm_act(inputs, quarter, 1, act=act), conv_norm_act(quarter, half, 3, act=act))
        self.five = nn.Sequential(conv_norm_act(inputs, eighth, 1, act=act), conv_norm_act(eighth, eighth, 5, act=act))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv_norm_act(inputs, eighth, 1, act=act))

    def forward(self, x: Tensor) -> Tensor:
        """(B, outputs, H, W): the four branches joined."""
        return torch.cat([self.point(x), self.three(x), self.five(x), self.pooled(x)], 1)


class GoogLeNet(PooledClassifier):
    """Three stages of `depth` inception blocks (2 unless said) with pooling between."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        inputs = wider(32, options.width)
        layers: list[nn.Module] = [stem(shape, inputs, options.activation)]
        for stage, channels in enumerate((64, 128, 192)):
            outputs = wider(channels, options.width)
            if stage:
                layers.append(pooling(options.pool))
            for _ in range(options.depth or 2):
                layers.append(Inception(inputs, outputs, options.activation))
                inputs = outputs
        super().__init__(nn.Sequential(*layers), inputs, options, shape)
        he_weights(self)
