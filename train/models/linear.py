"""Linear regression from pixels to classes: softmax regression under cross-entropy, sigmoid regression under `bce`."""

from __future__ import annotations

from torch import nn

from .blocks import DenseClassifier
from .options import ModelOptions, Shape

__all__ = ["Linear"]


class Linear(DenseClassifier):
    """One weight a pixel and class."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        super().__init__(nn.Identity(), shape.channels * shape.height * shape.width, [], options, shape)
