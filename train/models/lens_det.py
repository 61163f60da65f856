"""The kit's trunks for detectors: plain residual 3×3 convolutions, which 8-bit kernels compute fastest.

Most of the work lies at strides 8 and 16; at 4 there is one block, since a map there costs four times one at 8.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from .blocks import PooledClassifier, conv_norm_act, he_weights
from .options import Activation, ModelOptions, Shape, wider
from .resnet import Residual

__all__ = ["LensDetM", "LensDetS", "PlainTrunk"]

_STRIDES = (4, 8, 16, 32)


class PlainTrunk(nn.Module):
    """A stem to stride 4 and four stages; `channels` says how many maps there are at each stride."""

    def __init__(
        self, first: int, stages: tuple[tuple[int, int], ...], options: ModelOptions, channels: int = 3
    ) -> None:
        super().__init__()
        act: Activation = options.activation or "relu6"
        inputs = wider(first, options.width)
        widths = [wider(maps, options.width) for maps, _ in stages]
        self.stem = nn.Sequential(
            conv_norm_act(channels, inputs, stride=2, act=act), conv_norm_act(inputs, widths[0], stride=2, act=act)
        )
        made: list[nn.Module] = []
        inputs = widths[0]
        for number, (outputs, (_, blocks)) in enumerate(zip(widths, stages, strict=True)):
            layers: list[nn.Module] = [conv_norm_act(inputs, outputs, stride=2, act=act)] if number else []
            layers += [Residual(outputs, outputs, act=act) for _ in range(options.depth or blocks)]
            made.append(nn.Sequential(*layers))
            inputs = outputs
        self.stages = nn.Sequential(*made)
        self.channels: dict[int, int] = dict(zip(_STRIDES, widths, strict=True))

    def pyramid(self, x: Tensor) -> dict[int, Tensor]:
        """Maps (B, channels[stride], H / stride, W / stride) by their stride."""
        maps: Tensor = self.stem(x)
        found: dict[int, Tensor] = {}
        for stride, stage in zip(_STRIDES, self.stages, strict=True):
            maps = stage(maps)
            found[stride] = maps
        return found

    def forward(self, x: Tensor) -> Tensor:
        """The maps at stride 32."""
        return self.pyramid(x)[32]


class LensDetS(PooledClassifier):
    """The small trunk, with a classifier on it where that is what it learns."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        super().__init__(*_layers(16, ((24, 1), (48, 1), (80, 1), (112, 1)), options, shape), options, shape)
        he_weights(self)


class LensDetM(PooledClassifier):
    """The medium trunk, likewise."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        super().__init__(*_layers(24, ((32, 1), (64, 1), (112, 2), (160, 1)), options, shape), options, shape)
        he_weights(self)


def _layers(
    first: int, stages: tuple[tuple[int, int], ...], options: ModelOptions, shape: Shape
) -> tuple[nn.Sequential, int]:
    trunk = PlainTrunk(first, stages, options, shape.channels)
    return nn.Sequential(OrderedDict(trunk=trunk)), trunk.channels[_STRIDES[-1]]
