"""EfficientNet-Lite0 (Tan & Le, 2019; "lite" of 2020): made for 8 bits: ReLU6, no squeeze-and-excitation.

A trunk that has seen ImageNet (`train/start/imagenet.py`) is where trainings on photos start from. It pads as
TensorFlow does ("same": a stride-2 kernel has its missing row below and right), since its weights were learnt so.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import PooledClassifier, activation, he_weights
from .options import Activation, ModelOptions, Shape, wider

__all__ = ["STRIDES", "InvertedResidual", "Lite0", "Lite0Front", "Lite0Trunk", "SameConv2d", "front_maps"]

# kernel, stride, expansion, channels, blocks
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_FIRST, _LAST = 32, 1280
_EPSILON, _MOMENTUM = 1e-3, 0.01  # of batch normalisation, as it was trained
STRIDES = (4, 8, 16, 32)  # at which `Lite0Trunk.pyramid` gives maps
_PYRAMID = {1: 4, 2: 8, 4: 16, 6: 32}  # the last stage of each stride
_BESIDE = (5, 4)  # stages that a classifier looks at beside the last maps
_FRONT, _BEYOND = 5, 176  # stages up to stride 16; maps of what the next makes of them


class SameConv2d(nn.Conv2d):
    """A convolution padded so that stride s makes ⌈side / s⌉ of a side, the odd row of padding below and right.

    Where that is even all round the layer pads by itself; the exporters merge the rest into their convolutions.
    """

    def __init__(self, inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, size, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""
        (top, bottom), (left, right) = (self._around(side) for side in x.shape[-2:])
        if (top, left) == (bottom, right):
            return F.conv2d(x, self.weight, None, self.stride, (top, left), groups=self.groups)
        padded = F.pad(x, (left, right, top, bottom))
        return F.conv2d(padded, self.weight, None, self.stride, groups=self.groups)

    def _around(self, side: int) -> tuple[int, int]:
        size, stride = self.kernel_size[0], self.stride[0]
        missing = max(0, (-(-side // stride) - 1) * stride + size - side)
        return missing // 2, missing - missing // 2


def _conv_norm(inputs: int, outputs: int, size: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [SameConv2d(inputs, outputs, size, stride, groups), nn.BatchNorm2d(outputs, _EPSILON, _MOMENTUM)]


class InvertedResidual(nn.Module):
    """1×1 to more channels, a depthwise kernel, 1×1 back without activation; a shortcut where shapes agree."""

    def __init__(
        self, inputs: int, outputs: int, size: int, stride: int, expansion: int, act: Activation | None
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers = [*_conv_norm(inputs, hidden), activation(act)] if expansion > 1 else []
        layers += [*_conv_norm(hidden, hidden, size, stride, hidden), activation(act), *_conv_norm(hidden, outputs)]
        self.layers = nn.Sequential(*layers)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""
        out: Tensor = self.layers(x)
        return x + out if self.shortcut else out


class Lite0Trunk(nn.Module):
    """Stem and seven stages, or the first of them; `channels` says how many maps there are at each of `STRIDES`."""

    def __init__(self, options: ModelOptions, channels: int = 3, stages: int = len(_STAGES)) -> None:
        super().__init__()
        act = options.activation or "relu6"
        inputs = wider(_FIRST, options.width)
        self.stem = nn.Sequential(*_conv_norm(channels, inputs, 3, 2), activation(act))
        made: list[nn.Module] = []
        for size, stride, expansion, maps, blocks in _STAGES[:stages]:
            outputs = wider(maps, options.width)
            stage: list[nn.Module] = []
            for i in range(options.depth or blocks):
                stage.append(InvertedResidual(inputs, outputs, size, 1 if i else stride, expansion, act))
                inputs = outputs
            made.append(nn.Sequential(*stage))
        self.stages = nn.Sequential(*made)
        self.stage_channels = tuple(wider(stage[3], options.width) for stage in _STAGES[:stages])
        self.channels = {stride: self.stage_channels[at] for at, stride in _PYRAMID.items() if at < stages}

    def ends(self, x: Tensor) -> list[Tensor]:
        """The maps that each stage ends in."""
        maps: Tensor = self.stem(x)
        ends = []
        for stage in self.stages:
            maps = stage(maps)
            ends.append(maps)
        return ends

    def pyramid(self, x: Tensor) -> dict[int, Tensor]:
        """Maps (B, channels[stride], ⌈H / stride⌉, ⌈W / stride⌉) by their stride."""
        ends = self.ends(x)
        return {stride: ends[number] for number, stride in _PYRAMID.items()}

    def forward(self, x: Tensor) -> Tensor:
        """The last stage's maps: at stride 32, where all seven are there."""
        maps: Tensor = self.stages(self.stem(x))
        return maps


class Lite0(PooledClassifier):
    """The trunk, a 1×1 convolution to 1,280 maps (`dense` sets another number), one dense layer on means of halves.

    It looks at the upper and the lower half of the last maps, and of two stages before: what stands above what tells
    things apart, and what is further in front has not forgotten the individual. A head on that tells 86 % of clothes
    and 88 % of groceries, where one on the last maps' mean tells 84 and 85 (`benchmarks/train_views.py`).
    """

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        trunk = Lite0Trunk(options, shape.channels)
        last = options.dense or wider(_LAST, min(1.0, options.width))
        maps = [*_conv_norm(trunk.channels[STRIDES[-1]], last), activation(options.activation or "relu6")]
        layers = nn.Sequential(OrderedDict(trunk=trunk, last=nn.Sequential(*maps)))
        features = 2 * (last + sum(trunk.stage_channels[number] for number in _BESIDE))
        super().__init__(layers, features, options, shape)
        he_weights(self)

    def forward_features(self, x: Tensor) -> dict[str, Tensor]:  # type: ignore[override]  # three maps, not one
        """The maps that are looked at, by where they come from, the last first."""
        trunk, last = self.layers.get_submodule("trunk"), self.layers.get_submodule("last")
        assert isinstance(trunk, Lite0Trunk)
        ends = trunk.ends(x)
        return {"last": last(ends[-1]), **{f"stage {number}": ends[number] for number in _BESIDE}}

    def embedding(self, x: Tensor) -> Tensor:
        """Means of their halves: one row of (B, features) a picture."""
        halves = [half for maps in self.forward_features(x).values() for half in _halves(maps)]
        return torch.cat(halves, 1).flatten(1)

    def likeness(self, row: Tensor) -> Tensor:
        """The last maps' means, (B, 1,280): further in front other things are alike, too (`train_unknown.py`)."""
        last = self.layers.get_submodule("last.0").out_channels  # fewer where it was pruned
        assert isinstance(last, int)
        return row[:, : 2 * last].reshape(-1, 2, last).mean(1)


class Lite0Front(PooledClassifier):
    """The trunk up to stride 16, some of what the next stage makes of it, and one dense layer on their means.

    A fifth of lite0's weights: under 1 MB in 8 bits as an identifier. It tells individuals apart as well as the whole,
    kinds a little less well (`benchmarks/compress_identify.py`).
    """

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        trunk = Lite0Trunk(options, shape.channels, _FRONT)
        ends, last = trunk.stage_channels[-1], wider(_BEYOND, options.width)
        maps = [*_conv_norm(ends, last), activation(options.activation or "relu6")]
        layers = nn.Sequential(OrderedDict(trunk=trunk, last=nn.Sequential(*maps)))
        super().__init__(layers, ends + last, options, shape)
        he_weights(self)

    def forward_features(self, x: Tensor) -> dict[str, Tensor]:  # type: ignore[override]  # two maps, not one
        """The maps that are looked at, by where they come from, the last first."""
        return dict(zip(("last", "trunk"), front_maps(self.layers, x), strict=True))

    def embedding(self, x: Tensor) -> Tensor:
        """Their means: one row of (B, features) a picture."""
        means = [self.pool(maps) for maps in self.forward_features(x).values()]
        return torch.cat(means, 1).flatten(1)  # in this order, in which Torch-Pruning can follow the channels


def front_maps(layers: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """What a `Lite0Front`'s last layer makes of its trunk's maps, and those."""
    ends: Tensor = layers.get_submodule("trunk")(x)
    return layers.get_submodule("last")(ends), ends


def _halves(maps: Tensor) -> tuple[Tensor, Tensor]:
    """The means of the upper and lower half, (B, C, 1, 1) each, of maps (B, C, h, w); a middle row counts in both."""
    height, width = maps.shape[2:]
    halves = F.avg_pool2d(maps, ((height + 1) // 2, width), (max(1, height // 2), 1))
    return halves[:, :, :1], halves[:, :, -1:]
