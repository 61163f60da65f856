"""ResNet (He et al., 2015) in its CIFAR layout: 6n + 2 layers; n = 3 gives ResNet-20."""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import PooledClassifier, activation, conv_norm, conv_norm_act, he_weights, stem
from .options import Activation, ModelOptions, Shape, wider

__all__ = ["ResNet", "Residual", "residual_stages"]


class Residual(nn.Module):
    """Two 3×3 convolutions beside a shortcut, which is a 1×1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, act: Activation | None = None) -> None:
        super().__init__()
        self.first = conv_norm_act(inputs, outputs, stride=stride, act=act)
        self.second = conv_norm(outputs, outputs)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else conv_norm(inputs, outputs, 1, stride)
        self.act = activation(act)

    def forward(self, x: Tensor) -> Tensor:
        """(B, outputs, H / stride, W / stride)."""
        out: Tensor = self.act(self.second(self.first(x)) + self.shortcut(x))
        return out


def residual_stages(
    inputs: int, stages: list[tuple[int, int]], act: Activation | None = None, block: type[nn.Module] = Residual
) -> nn.Sequential:
    """Stages of (channels, blocks); every stage but the first halves the picture."""
    layers: list[nn.Module] = []
    for stage, (outputs, blocks) in enumerate(stages):
        for i in range(blocks):
            layers.append(block(inputs, outputs, 2 if stage and not i else 1, act))
            inputs = outputs
    return nn.Sequential(*layers)


class ResNet(PooledClassifier):
    """Three stages of `depth` residual blocks (3 unless said) with 16, 32 and 64 channels."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        widths = [wider(channels, options.width) for channels in (16, 32, 64)]
        first = stem(shape, widths[0], options.activation)
        stages = residual_stages(widths[0], [(w, options.depth or 3) for w in widths], options.activation)
        super().__init__(nn.Sequential(first, stages), widths[-1], options, shape)
        he_weights(self)
