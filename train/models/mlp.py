"""A plain feed-forward network: `depth` hidden layers of `dense` units."""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import activation
from .options import ModelOptions, Shape, wider

__all__ = ["Mlp"]


class Mlp(nn.Module):
    """Pixels through dense layers: two of 256 unless said."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        super().__init__()
        units = wider(options.dense or 256, options.width)
        layers: list[nn.Module] = [nn.Flatten()]
        inputs = shape.channels * shape.height * shape.width
        for _ in range(options.depth or 2):
            layers += [nn.Linear(inputs, units), activation(options.activation), nn.Dropout(options.dropout)]
            inputs = units
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(inputs, shape.classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, units) of the last hidden layer."""
        hidden: Tensor = self.features(x)
        return hidden

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) → (B, classes)
        logits: Tensor = self.classifier(self.forward_features(x))
        return logits
