"""MobileNetV3-small (Howard et al., 2019) for small images: inverted residuals with squeeze-and-excitation."""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import PooledClassifier, conv_norm, conv_norm_act, he_weights, stem
from .options import Activation, ModelOptions, Shape, wider

__all__ = ["MobileNetV3", "SqueezeExcite"]

# kernel, hidden, channels, squeeze, activation, stride; the picture is halved three times, not five
_BLOCKS: tuple[tuple[int, int, int, bool, Activation, int], ...] = (
    (3, 16, 16, True, "relu", 1),
    (3, 72, 24, False, "relu", 2),
    (3, 88, 24, False, "relu", 1),
    (5, 96, 40, True, "hardswish", 2),
    (5, 240, 40, True, "hardswish", 1),
    (5, 240, 40, True, "hardswish", 1),
    (5, 120, 48, True, "hardswish", 1),
    (5, 144, 48, True, "hardswish", 1),
    (5, 288, 96, True, "hardswish", 2),
    (5, 576, 96, True, "hardswish", 1),
    (5, 576, 96, True, "hardswish", 1),
)


class SqueezeExcite(nn.Module):
    """Scales every channel by what the whole picture says of it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = max(8, channels // 4)
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W), scaled."""
        out: Tensor = x * self.scale(x)
        return out


class Block(nn.Module):
    """Widen, look at each channel alone, squeeze and excite, narrow; a shortcut where shapes agree."""

    def __init__(
        self, inputs: int, hidden: int, outputs: int, kernel: int, squeeze: bool, act: Activation, stride: int
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_norm_act(inputs, hidden, 1, act=act)] if hidden != inputs else []
        layers.append(conv_norm_act(hidden, hidden, kernel, stride, groups=hidden, act=act))
        if squeeze:
            layers.append(SqueezeExcite(hidden))
        layers.append(conv_norm(hidden, outputs, 1))
        self.layers = nn.Sequential(*layers)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, outputs, H / stride, W / stride)."""
        out: Tensor = self.layers(x)
        return x + out if self.shortcut else out


class MobileNetV3(PooledClassifier):
    """The small network's eleven blocks by `width`, hard-swish where the paper has it."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        inputs = wider(16, options.width)
        layers: list[nn.Module] = [stem(shape, inputs, options.activation or "hardswish")]
        for kernel, hidden, channels, squeeze, act, stride in _BLOCKS:
            inside, outputs = wider(hidden, options.width), wider(channels, options.width)
            layers.append(Block(inputs, inside, outputs, kernel, squeeze, options.activation or act, stride))
            inputs = outputs
        last = options.dense or wider(576, min(1.0, options.width))
        layers.append(conv_norm_act(inputs, last, 1, act=options.activation or "hardswish"))
        super().__init__(nn.Sequential(*layers), last, options, shape)
        he_weights(self)
