"""MobileNetV2 (Sandler et al., 2018) for small images: thin blocks that widen inside, depthwise convolutions."""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import PooledClassifier, conv_norm, conv_norm_act, he_weights, stem
from .options import Activation, ModelOptions, Shape, wider

__all__ = ["InvertedResidual", "MobileNetV2"]

# expansion, channels, blocks, stride; the picture is halved three times, not five
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class InvertedResidual(nn.Module):
    """1×1 to more channels, 3×3 on each of them alone, 1×1 back without activation; a shortcut where shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int, act: Activation | None) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = [conv_norm_act(inputs, hidden, 1, act=act)] if expansion > 1 else []
        layers += [conv_norm_act(hidden, hidden, 3, stride, groups=hidden, act=act), conv_norm(hidden, outputs, 1)]
        self.layers = nn.Sequential(*layers)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, outputs, H / stride, W / stride)."""
        out: Tensor = self.layers(x)
        return x + out if self.shortcut else out


class MobileNetV2(PooledClassifier):
    """The paper's seven stages by `width`; a last 1×1 convolution to 1,280 channels at most."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        act = options.activation or "relu6"
        inputs = wider(32, options.width)
        layers: list[nn.Module] = [stem(shape, inputs, act)]
        for expansion, channels, blocks, stride in _STAGES:
            outputs = wider(channels, options.width)
            for i in range(options.depth or blocks):
                layers.append(InvertedResidual(inputs, outputs, 1 if i else stride, expansion, act))
                inputs = outputs
        last = options.dense or wider(1280, min(1.0, options.width))
        layers.append(conv_norm_act(inputs, last, 1, act=act))
        super().__init__(nn.Sequential(*layers), last, options, shape)
        he_weights(self)
