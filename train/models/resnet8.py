"""ResNet-8 as MLPerf Tiny lays it out: 16, 32 and 64 channels, one residual block each, 78 thousand weights."""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import PooledClassifier, activation, conv_norm, conv_norm_act, he_weights, stem
from .options import Activation, ModelOptions, Shape, wider
from .resnet import residual_stages

__all__ = ["ResNet8", "TinyResidual"]


class TinyResidual(nn.Module):
    """Two 3×3 convolutions beside a shortcut; MLPerf Tiny leaves the shortcut's 1×1 convolution unnormalised."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, act: Activation | None = None) -> None:
        super().__init__()
        self.first = conv_norm_act(inputs, outputs, stride=stride, act=act)
        self.second = conv_norm(outputs, outputs)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)
        self.act = activation(act)

    def forward(self, x: Tensor) -> Tensor:
        """(B, outputs, H / stride, W / stride)."""
        out: Tensor = self.act(self.second(self.first(x)) + self.shortcut(x))
        return out


class ResNet8(PooledClassifier):
    """Three stages of `depth` blocks (1 unless said) after a 3×3 convolution."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        widths = [wider(channels, options.width) for channels in (16, 32, 64)]
        first = stem(shape, widths[0], options.activation)
        stages = [(w, options.depth or 1) for w in widths]
        blocks = residual_stages(widths[0], stages, options.activation, TinyResidual)
        super().__init__(nn.Sequential(first, blocks), widths[-1], options, shape)
        he_weights(self)
