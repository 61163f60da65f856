"""The micro-kernel networks that `devices calibrate` times: which layers, at which sizes, in which company."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KERNELS", "Kernel", "Layer"]


@dataclass(frozen=True)
class Layer:
    """One layer: conv, dw, fc, pool, mean, sigmoid, resize, or add, mul, concat with the value `back` layers ago."""

    kind: str
    out: int = 0
    size: int = 1
    stride: int = 1
    back: int = 0
    act: bool = True


@dataclass(frozen=True)
class Kernel:
    """A chain of layers on an input of (height = width, channels)."""

    name: str
    side: int
    channels: int
    layers: tuple[Layer, ...]


def _conv(out: int, size: int = 3, stride: int = 1, *, act: bool = True) -> Layer:
    return Layer("conv", out, size, stride, act=act)


def _dw(size: int = 3, stride: int = 1) -> Layer:
    return Layer("dw", 0, size, stride)


def _chain(kind: str, side: int, channels: int, layers: list[Layer]) -> Kernel:
    last = layers[0]
    return Kernel(f"{kind}-{side}-{channels}-{last.out}-{len(layers)}", side, channels, tuple(layers))


def _inverted(side: int, channels: int, times: int, size: int = 3) -> Kernel:
    """MobileNetV2's block, twice."""
    block = [_conv(channels * times, 1), _dw(size), _conv(channels, 1, act=False), Layer("add", back=3)]
    return Kernel(f"inverted{size}-{side}-{channels}-{times}", side, channels, tuple(block * 2))


def _basic(side: int, channels: int) -> Kernel:
    """ResNet's block, twice."""
    block = [_conv(channels), _conv(channels, act=False), Layer("add", back=2)]
    return Kernel(f"basic-{side}-{channels}", side, channels, tuple(block * 2))


def _separable(side: int, channels: int, out: int, stride: int) -> Kernel:
    """MobileNetV1's pair, the first one striding."""
    layers = (_dw(3, stride), _conv(out, 1), _dw(), _conv(out, 1))
    return Kernel(f"separable-{side}-{channels}-{out}", side, channels, layers)


KERNELS: tuple[Kernel, ...] = (
    Kernel("nothing", 4, 4, (Layer("add"),)),
    *(_chain("conv3", s, c, [_conv(c)] * n) for s, c, n in
      ((112, 8, 3), (56, 16, 4), (32, 16, 6), (16, 32, 6), (8, 64, 6), (28, 32, 4), (56, 64, 2), (28, 128, 2),
       (14, 128, 3), (14, 256, 2), (7, 256, 3), (20, 48, 4), (40, 24, 4), (48, 64, 2), (7, 512, 1))),
    *(_chain("conv5", s, c, [_conv(c, 5)] * 2) for s, c in ((28, 16), (14, 32), (14, 64))),
    *(_chain("stem", s, c, [_conv(o, k, 2), _conv(o, 3, 1)]) for s, c, o, k in
      ((96, 3, 8, 3), (160, 3, 16, 3), (224, 3, 32, 3), (224, 3, 64, 7), (96, 1, 16, 5), (320, 3, 16, 3))),
    *(_chain("pw", s, c, [_conv(o, 1), _conv(c, 1)] * 2) for s, c, o in
      ((112, 16, 32), (56, 24, 96), (56, 64, 128), (28, 32, 192), (28, 128, 128), (28, 96, 48), (14, 64, 384),
       (14, 256, 256), (14, 512, 512), (7, 160, 960), (7, 512, 1024), (40, 64, 64), (26, 96, 96), (13, 192, 192),
       (12, 64, 128), (6, 128, 256), (3, 256, 256), (52, 48, 48), (19, 512, 512))),
    *(_chain("dw", s, c, [_dw(k)] * 4) for s, c, k in
      ((112, 32, 3), (56, 64, 3), (56, 144, 3), (28, 192, 3), (14, 384, 3), (14, 576, 3), (7, 960, 3), (48, 16, 3),
       (24, 64, 3), (12, 128, 3), (6, 256, 3), (28, 120, 5), (14, 240, 5), (7, 576, 5), (52, 96, 5), (26, 192, 5))),
    *(_chain("dwstride", s, c, [_dw(k, 2), _conv(c, 1)]) for s, c, k in
      ((112, 64, 3), (56, 144, 3), (28, 192, 3), (14, 384, 3), (96, 16, 3), (56, 72, 5))),
    *(_chain("fc", 1, i, [Layer("fc", o), Layer("fc", o)]) for i, o in
      ((64, 10), (256, 256), (1024, 1000), (512, 512), (2048, 100))),
    *(_chain("add", s, c, [_conv(c, 1)] + [Layer("add", back=1)] * 4) for s, c in
      ((56, 24), (56, 64), (28, 128), (14, 256), (7, 160))),
    *(_chain("mul", s, c, [_conv(c, 1)] + [Layer("mul", back=1)] * 4) for s, c in ((56, 32), (28, 64), (14, 240))),
    *(_chain("sigmoid", s, c, [_conv(c, 1, act=False)] + [Layer("sigmoid")] * 3) for s, c in
      ((52, 32), (28, 96), (13, 192))),
    *(_chain("silu", s, c, [_conv(c, k, act=False), Layer("sigmoid"), Layer("mul", back=1)] * 2) for s, c, k in
      ((104, 16, 3), (52, 48, 3), (52, 48, 1), (26, 96, 1), (26, 96, 3), (13, 192, 1))),
    *(_chain("pool", s, c, [Layer("pool", 0, k, st)] * 2) for s, c, k, st in
      ((112, 16, 2, 2), (56, 64, 3, 2), (28, 96, 3, 1), (13, 192, 5, 1))),
    *(_chain(f"convpool{k}by{st}", s, c, [_conv(c, 1), Layer("pool", 0, k, st), _conv(c), Layer("pool", 0, k, st)])
      for s, c, k, st in
      ((64, 16, 2, 2), (56, 32, 2, 2), (28, 64, 2, 2), (28, 64, 3, 2), (14, 96, 3, 1), (13, 128, 5, 1))),
    *(_chain("mean", s, c, [_conv(c, 1), Layer("mean")]) for s, c in ((7, 256), (8, 64), (7, 960), (14, 128))),
    *(_chain("concat", s, c, [_conv(c, 1), Layer("concat", back=1), _conv(c, 1), Layer("concat", back=1)]) for s, c in
      ((52, 32), (26, 64), (13, 128))),
    *(_chain("resize", s, c, [_conv(c, 1), Layer("resize")]) for s, c in ((26, 64), (13, 128))),
    *(_inverted(s, c, t, k) for s, c, t, k in
      ((56, 24, 6, 3), (28, 32, 6, 3), (14, 64, 6, 3), (14, 96, 6, 3), (7, 160, 6, 3), (24, 16, 4, 3), (12, 24, 4, 3),
       (28, 40, 3, 5), (14, 80, 4, 5), (48, 8, 4, 3))),
    *(_basic(s, c) for s, c in ((32, 16), (16, 32), (8, 64), (56, 64), (28, 128), (24, 24), (14, 256))),
    *(_separable(s, c, o, st) for s, c, o, st in
      ((48, 8, 16, 1), (48, 16, 32, 2), (24, 32, 64, 2), (12, 64, 128, 2), (6, 128, 256, 2), (112, 32, 64, 1),
       (56, 64, 128, 2), (28, 128, 256, 2), (14, 256, 512, 2), (60, 32, 64, 2), (30, 64, 64, 1))),
)  # fmt: skip
