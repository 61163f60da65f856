"""Linear regression from pixels to classes: softmax regression under cross-entropy, sigmoid regression under `bce`."""

from __future__ import annotations

from torch import Tensor, nn

from .options import ModelOptions, Shape

__all__ = ["Linear"]


class Linear(nn.Module):
    """One weight a pixel and class."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        super().__init__()
        self.dropout = nn.Dropout(options.dropout)
        self.classifier = nn.Linear(shape.channels * shape.height * shape.width, shape.classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, C, H, W): the pixels themselves."""
        return x

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) → (B, classes)
        logits: Tensor = self.classifier(self.dropout(self.forward_features(x).flatten(1)))
        return logits
