"""The networks by name; a network's file is imported when it is built."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from torch import nn

from edgelens.runtime.errors import UsageError

from .options import ModelOptions, Shape

__all__ = ["NETWORKS", "Entry", "build", "names_of"]


_SHAPED = ("width", "depth", "activation", "dropout")
_DENSE = (*_SHAPED, "dense")
_POOLED = ("width", "activation", "dropout", "dense", "pool")
_STEPS = ("width", "depth", "dense", "dropout")


@dataclass(frozen=True)
class Entry:
    """Where a network stands, and the smallest picture it takes."""

    module: str
    cls: str
    min_side: int
    line: str
    takes: tuple[str, ...]  # of `ModelOptions`, what has a meaning for it
    photo: tuple[int, int] = (1, 96)  # pixels a side at least and at most that photos are given, unless said


NETWORKS: dict[str, Entry] = {
    "linear": Entry("linear", "Linear", 1, "softmax regression (sigmoid regression with --loss bce)", ()),
    "mlp": Entry("mlp", "Mlp", 1, "feed-forward, two hidden layers of 256", _DENSE),
    "cnn-small": Entry("cnn_small", "CnnSmall", 10, "conv 32, pool, conv 64, pool, dense 64", _POOLED),
    "cnn-deep": Entry(
        "cnn_deep", "CnnDeep", 18, "conv 32, pool, conv 64, pool, conv 64, dense 64", (*_POOLED, "depth")
    ),
    "alexnet": Entry("alexnet", "AlexNet", 8, "five convolutions, two dense layers (2012)", _POOLED),
    "vgg": Entry("vgg", "Vgg", 8, "stages of 3×3 convolutions (2014)", (*_POOLED, "depth")),
    "googlenet": Entry("googlenet", "GoogLeNet", 4, "inception blocks (2014)", (*_SHAPED, "pool")),
    "resnet": Entry("resnet", "ResNet", 4, "ResNet-20 (2015)", _SHAPED),
    "resnet8": Entry("resnet8", "ResNet8", 4, "MLPerf Tiny's image network", _SHAPED),
    "rnn": Entry("recurrent", "Rnn", 1, "row by row, one tanh a step", _STEPS),
    "gru": Entry("recurrent", "Gru", 1, "row by row, gated", _STEPS),
    "lstm": Entry("recurrent", "Lstm", 1, "row by row, long short-term memory", _STEPS),
    "vit-tiny": Entry("vit_tiny", "VitTiny", 4, "patches, self-attention, attention pooling", _SHAPED),
    "mobilenet-v2": Entry("mobilenet_v2", "MobileNetV2", 8, "inverted residuals by --width (2018)", _DENSE),
    "mobilenet-v3": Entry(
        "mobilenet_v3",
        "MobileNetV3",
        8,
        "with squeeze-and-excitation, by --width (2019)",
        ("width", "activation", "dropout", "dense"),
    ),
    "lite0": Entry("lite0", "Lite0", 16, "EfficientNet-Lite0, which has seen ImageNet (2020)", _DENSE, (96, 224)),
    "lite0-16": Entry("lite0", "Lite0Front", 16, "lite0 up to stride 16: under 1 MB in int8", _SHAPED, (96, 224)),
    "reader": Entry("reader", "Reader", 16, "reads a line of text, all convolutions (--task read)", _DENSE),
    "crnn": Entry("reader", "Crnn", 16, "reads a line of text, a GRU behind convolutions (--task read)", _DENSE),
    "lens-s": Entry("lens", "LensS", 4, "the kit's own: under 98 kB in int8", _SHAPED),
    "lens-m": Entry("lens", "LensM", 4, "the kit's own: under 512 kB in int8", _SHAPED),
    "lens-det-s": Entry("lens_det", "LensDetS", 32, "the kit's own for boxes: under 1 MB in int8", _SHAPED, (320, 320)),
    "lens-det-m": Entry(
        "lens_det", "LensDetM", 32, "the kit's own for boxes: under 2.2 MB in int8", _SHAPED, (416, 416)
    ),
}


def build(name: str, options: ModelOptions, *, channels: int, classes: int, size: tuple[int, int]) -> nn.Module:
    """A network with random weights for pictures of (height, width)."""
    if name not in NETWORKS:
        raise UsageError(f"--model {name}: no such network; there are {', '.join(NETWORKS)}")
    entry = NETWORKS[name]
    if min(size) < entry.min_side:
        raise UsageError(
            f"--model {name}: needs pictures of at least {entry.min_side} pixels a side, these are"
            f" {size[1]}×{size[0]}; take --size {entry.min_side} or more, or another network"
        )
    network = _class_of(entry)(options, Shape(channels, *size, classes))
    assert isinstance(network, nn.Module)
    return network


def names_of(kind: type[nn.Module]) -> tuple[str, ...]:
    """The networks that are of a kind."""
    return tuple(name for name, entry in NETWORKS.items() if issubclass(_class_of(entry), kind))


def _class_of(entry: Entry) -> Any:
    return getattr(importlib.import_module(f"edgelens.train.models.{entry.module}"), entry.cls)
