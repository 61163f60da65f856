"""Building blocks that several networks share."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from .options import Activation, ModelOptions, Pooling, Shape

__all__ = [
    "DenseClassifier",
    "PooledClassifier",
    "activation",
    "conv_norm",
    "conv_norm_act",
    "he_weights",
    "pooling",
    "stem",
]

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


def pooling(kind: Pooling | None) -> nn.Module:
    """Half the side: by the maximum unless the average is asked for."""
    return nn.AvgPool2d(2) if kind == "average" else nn.MaxPool2d(2)


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


def stem(shape: Shape, outputs: int, act: Activation | None = None) -> nn.Sequential:
    """The first 3×3 convolutions; each halves the picture until fewer than 64 pixels a side are left."""
    side, inputs = min(shape.height, shape.width), shape.channels
    layers = [conv_norm_act(inputs, outputs, stride=2 if side >= 64 else 1, act=act)]
    while side >= 128:
        layers.append(conv_norm_act(outputs, outputs, stride=2, act=act))
        side //= 2
    return nn.Sequential(*layers)


def he_weights(network: nn.Module) -> None:
    """Convolution weights drawn so that signals keep their size through rectifiers (He et al., 2015)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            # a depthwise kernel's outputs come from one channel each: its fan-in is what counts
            nn.init.kaiming_normal_(module.weight, mode="fan_in" if module.groups > 1 else "fan_out")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class PooledClassifier(nn.Module):
    """Any stack of layers that ends in maps, then their mean over the picture and one dense layer."""

    def __init__(self, layers: nn.Module, features: int, options: ModelOptions, shape: Shape) -> None:
        super().__init__()
        self.layers = layers
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(options.dropout or 0.0)
        self.classifier = nn.Linear(features, shape.classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """The last maps, (B, features, h, w)."""
        maps: Tensor = self.layers(x)
        return maps

    def embedding(self, x: Tensor) -> Tensor:
        """What the classifier looks at: one row of (B, features) a picture."""
        row: Tensor = self.pool(self.forward_features(x)).flatten(1)
        return row

    def likeness(self, row: Tensor) -> Tensor:
        """What of an embedding (B, features) says how alike two pictures are: all, where nothing else is known."""
        return row

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of pictures (B, C, H, W)."""
        logits: Tensor = self.classifier(self.dropout(self.embedding(x)))
        return logits


class DenseClassifier(nn.Module):
    """Any stack of layers that ends in maps, then hidden dense layers over every pixel of them."""

    def __init__(
        self, layers: nn.Module, features: int, hidden: list[int], options: ModelOptions, shape: Shape, drop: float = 0
    ) -> None:
        super().__init__()
        self.layers = layers
        dense: list[nn.Module] = [nn.Flatten()]
        for units in hidden:
            dropped = nn.Dropout(drop if options.dropout is None else options.dropout)
            dense += [nn.Linear(features, units), activation(options.activation), dropped]
            features = units
        self.dense = nn.Sequential(*dense)
        self.classifier = nn.Linear(features, shape.classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """The last maps, (B, features, h, w)."""
        maps: Tensor = self.layers(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of pictures (B, C, H, W)."""
        logits: Tensor = self.classifier(self.dense(self.forward_features(x)))
        return logits
