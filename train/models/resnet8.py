"""ResNet-8 as MLPerf Tiny lays it out: 16, 32 and 64 channels, one residual block each."""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import activation, conv_norm, conv_norm_act
from .options import ModelOptions, Shape, wider

__all__ = ["ResNet8", "Residual"]


class Residual(nn.Module):
    """Two 3×3 convolutions beside a shortcut that is a 1×1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int, options: ModelOptions) -> None:
        super().__init__()
        self.first = conv_norm_act(inputs, outputs, stride=stride, act=options.activation)
        self.second = conv_norm(outputs, outputs)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else conv_norm(inputs, outputs, size=1, stride=stride)
        self.act = activation(options.activation)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.act(self.second(self.first(x)) + self.shortcut(x))
        return out


class ResNet8(nn.Module):
    """Three stages of `depth` blocks (1 unless said) after a 3×3 convolution; mean pooling; one dense layer."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        super().__init__()
        widths = [wider(channels, options.width) for channels in (16, 32, 64)]
        self.stem = conv_norm_act(shape.channels, widths[0], act=options.activation)
        blocks: list[nn.Module] = []
        inputs = widths[0]
        for stage, outputs in enumerate(widths):
            for block in range(options.depth or 1):
                stride = 2 if stage and not block else 1
                blocks.append(Residual(inputs, outputs, stride, options))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(options.dropout)
        self.classifier = nn.Linear(inputs, shape.classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, 64, H/4, W/4) before pooling."""
        maps: Tensor = self.blocks(self.stem(x))
        return maps

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) → (B, classes)
        logits: Tensor = self.classifier(self.dropout(self.pool(self.forward_features(x)).flatten(1)))
        return logits
