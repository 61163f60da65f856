"""Building blocks that several networks share."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from .options import Activation, Pooling

__all__ = ["activation", "conv_norm", "conv_norm_act", "pooling"]

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky": lambda: nn.LeakyReLU(0.1),
    "elu": nn.ELU,
    "gelu": lambda: nn.GELU(approximate="tanh"),
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def activation(name: Activation | None, default: Activation = "relu") -> nn.Module:
    """A fresh activation layer."""
    return _ACTIVATIONS[name or default]()


def pooling(kind: Pooling | None, size: int = 2, stride: int | None = None, padding: int = 0) -> nn.Module:
    """Max pooling unless average is asked for."""
    layer = nn.AvgPool2d if kind == "average" else nn.MaxPool2d
    return layer(size, stride or size, padding)


def conv_norm(inputs: int, outputs: int, size: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution and batch normalisation, padded so that stride 1 keeps the picture's size."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)
    )


def conv_norm_act(
    inputs: int,
    outputs: int,
    size: int = 3,
    stride: int = 1,
    groups: int = 1,
    act: Activation | None = None,
) -> nn.Sequential:
    """Convolution, batch normalisation, activation."""
    return nn.Sequential(*conv_norm(inputs, outputs, size, stride, groups), activation(act))
