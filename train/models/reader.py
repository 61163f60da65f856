"""Networks that read: a row of scores for every step of the picture's width, the blank's first.

Convolutions bring the height down to one while the width keeps a step every four pixels; what stands left and right of
a step is looked at by convolutions along the line, in 8 bits, or by a recurrent layer (CRNN; Shi et al., 2015).
"""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import activation, conv_norm_act, he_weights
from .options import Activation, ModelOptions, Shape, wider

__all__ = ["Crnn", "Reader"]

_CHANNELS = (24, 48, 80, 112, 160)


class _Residual(nn.Module):
    """Two convolutions and what went in, added; `size` is height and width of the kernel."""

    def __init__(self, channels: int, size: tuple[int, int], act: Activation | None) -> None:
        super().__init__()
        self.first = _along(channels, size)
        self.second = _along(channels, size)
        self.inner, self.outer = activation(act, "relu6"), activation(act, "relu6")

    def forward(self, x: Tensor) -> Tensor:
        """Maps of the same shape."""
        out: Tensor = self.outer(x + self.second(self.inner(self.first(x))))
        return out


def _along(channels: int, size: tuple[int, int]) -> nn.Sequential:
    padding = (size[0] // 2, size[1] // 2)
    return nn.Sequential(nn.Conv2d(channels, channels, size, padding=padding, bias=False), nn.BatchNorm2d(channels))


class _Line(nn.Module):
    """The convolutions that make one row of features of a picture."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        super().__init__()
        act = options.activation or "relu6"
        a, b, c, d, e = (wider(channels, options.width) for channels in _CHANNELS)
        blocks = options.depth or 1
        layers: list[nn.Module] = [conv_norm_act(shape.channels, a, stride=2, act=act)]
        layers += [conv_norm_act(a, b, stride=2, act=act), *(_Residual(b, (3, 3), act) for _ in range(blocks))]
        rows = _halves(_halves(shape.height))
        before = b
        for channels in (c, d):
            layers += [_lower(before, channels, act), *(_Residual(channels, (3, 3), act) for _ in range(blocks))]
            before, rows = channels, _halves(rows)
        layers += [
            nn.Conv2d(before, e, (rows, 1), bias=False),
            nn.BatchNorm2d(e),
            activation(act),
            nn.Dropout(options.dropout or 0.0),
        ]
        self.layers, self.features = nn.Sequential(*layers), e

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, 1, steps)."""
        maps: Tensor = self.layers(x)
        return maps


def _halves(pixels: int) -> int:
    return (pixels + 1) // 2


def _lower(inputs: int, outputs: int, act: Activation) -> nn.Sequential:
    """Half the height, the whole width."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, (2, 1), 1, bias=False), nn.BatchNorm2d(outputs), activation(act))


class Reader(nn.Module):
    """All convolutions: the surroundings of a step come from `dense` layers (2) along the line."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        super().__init__()
        self.line = _Line(options, shape)
        features = self.line.features
        act = options.activation or "relu6"
        self.around = nn.Sequential(*(_Residual(features, (1, 5), act) for _ in range(options.dense or 2)))
        self.classifier = nn.Conv2d(features, shape.classes, 1)
        he_weights(self)

    def forward_features(self, x: Tensor) -> Tensor:
        """The last maps, (B, features, 1, steps)."""
        maps: Tensor = self.around(self.line(x))
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, steps, classes) of pictures (B, C, H, W)."""
        return self.classifier(self.forward_features(x)).squeeze(2).permute(0, 2, 1)  # type: ignore[no-any-return]


class Crnn(nn.Module):
    """The same convolutions, then a GRU of `dense` units (96) that runs along the line both ways."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        super().__init__()
        self.line = _Line(options, shape)
        units = wider(options.dense or 96, options.width)
        self.around = nn.GRU(self.line.features, units, batch_first=True, bidirectional=True)
        self.classifier = nn.Linear(2 * units, shape.classes)
        he_weights(self)

    def forward_features(self, x: Tensor) -> Tensor:
        """The states after every step, (B, steps, 2 · units)."""
        states: Tensor = self.around(self.line(x).squeeze(2).permute(0, 2, 1))[0]
        return states

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, steps, classes) of pictures (B, C, H, W)."""
        logits: Tensor = self.classifier(self.forward_features(x))
        return logits
