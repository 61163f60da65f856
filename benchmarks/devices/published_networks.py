"""Write devices/predict/published_networks.csv: what the networks of published latencies consist of, by kind of work.

The layers come from the networks' papers; a convolution's padding keeps ⌈side / stride⌉.
"""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Callable, Iterable
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "devices" / "predict" / "published_networks.csv"
COLUMNS = ("network", "conv", "pointwise", "depthwise", "dense", "moved", "weights", "operators")


class Net:
    """Adds layers up; `side` and `channels` are those of the running activation."""

    def __init__(self, side: int = 224, channels: int = 3) -> None:
        self.side, self.channels = side, channels
        self.sums = dict.fromkeys(COLUMNS[1:], 0.0)

    def conv(self, out: int, size: int = 3, stride: int = 1, *, keep: bool = False) -> Net:
        """A convolution; `keep` leaves the running activation, for branches."""
        side = -(-self.side // stride)
        macs = side * side * out * self.channels * size * size
        self.sums["pointwise" if size == 1 else "conv"] += macs
        self._moved(self.side**2 * self.channels, side**2 * out, out * self.channels * size * size)
        if not keep:
            self.side, self.channels = side, out
        return self

    def dw(self, size: int = 3, stride: int = 1) -> Net:
        """A depthwise convolution."""
        side = -(-self.side // stride)
        self.sums["depthwise"] += side * side * self.channels * size * size
        self._moved(self.side**2 * self.channels, side**2 * self.channels, self.channels * size * size)
        self.side = side
        return self

    def pool(self, stride: int = 2) -> Net:
        """Pooling by a stride."""
        before, self.side = self.side, -(-self.side // stride)
        self._moved(before**2 * self.channels, self.side**2 * self.channels, 0)
        return self

    def dense(self, out: int, inner: int | None = None) -> Net:
        """A fully connected layer."""
        inner = inner or self.channels
        self.sums["dense"] += inner * out
        self._moved(inner, out, inner * out)
        return self

    def add(self) -> Net:
        """Two activations into one."""
        self._moved(2 * self.side**2 * self.channels, self.side**2 * self.channels, 0)
        return self

    def gate(self, squeeze: int) -> Net:
        """Squeeze and excitation, and the curve before it."""
        self._moved(self.side**2 * self.channels, self.channels, 0)
        self.dense(squeeze).dense(self.channels, squeeze)
        return self.add()

    def _moved(self, read: float, written: float, weights: float) -> None:
        self.sums["moved"] += read + written
        self.sums["weights"] += weights
        self.sums["operators"] += 1


def mobilenet_v1() -> Net:
    return _mobilenet_v1(224, 1.0)


def mobilenet_v1_025_128() -> Net:
    return _mobilenet_v1(128, 0.25)


def vww_96() -> Net:
    """MLPerf Tiny's person detector."""
    return _mobilenet_v1(96, 0.25, 2)


def _mobilenet_v1(side: int, width: float, classes: int = 1000) -> Net:
    net = Net(side).conv(int(32 * width), 3, 2)
    for out, stride in (
        [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    ):
        net.dw(3, stride).conv(int(out * width), 1)
    return net.dense(classes)


def _inverted(net: Net, rows: Iterable[tuple[int, ...]]) -> Net:
    """Rows of expansion, output channels, repeats, stride, kernel, squeeze divisor (0 for none)."""
    for times, out, repeats, first, size, squeeze in rows:
        for i in range(repeats):
            entry, stride = net.channels, first if i == 0 else 1
            if times != 1:
                net.conv(entry * times, 1)
            net.dw(size, stride)
            if squeeze:
                net.gate(max(entry * times // squeeze, 4) if squeeze == 4 else max(entry // 4, 1))
            net.conv(out, 1)
            if stride == 1 and entry == out:
                net.add()
    return net


def mobilenet_v2() -> Net:
    rows = [(1, 16, 1, 1, 3, 0), (6, 24, 2, 2, 3, 0), (6, 32, 3, 2, 3, 0), (6, 64, 4, 2, 3, 0), (6, 96, 3, 1, 3, 0),
            (6, 160, 3, 2, 3, 0), (6, 320, 1, 1, 3, 0)]  # fmt: skip
    return _inverted(Net().conv(32, 3, 2), rows).conv(1280, 1).dense(1000)


def _mobilenet_v3(rows: Iterable[tuple[int, int, int, int, bool]], last: int, hidden: int) -> Net:
    net = Net().conv(16, 3, 2)
    for size, wide, out, stride, gated in rows:
        entry = net.channels
        if wide != entry:
            net.conv(wide, 1)
        net.dw(size, stride)
        if gated:
            net.gate(wide // 4)
        net.conv(out, 1)
        if stride == 1 and entry == out:
            net.add()
    return net.conv(last, 1).dense(hidden).dense(1000, hidden)


def mobilenet_v3_large() -> Net:
    rows = [(3, 16, 16, 1, False), (3, 64, 24, 2, False), (3, 72, 24, 1, False), (5, 72, 40, 2, True),
            (5, 120, 40, 1, True), (5, 120, 40, 1, True), (3, 240, 80, 2, False), (3, 200, 80, 1, False),
            (3, 184, 80, 1, False), (3, 184, 80, 1, False), (3, 480, 112, 1, True), (3, 672, 112, 1, True),
            (5, 672, 160, 2, True), (5, 960, 160, 1, True), (5, 960, 160, 1, True)]  # fmt: skip
    return _mobilenet_v3(rows, 960, 1280)


def mobilenet_v3_small() -> Net:
    rows = [(3, 16, 16, 2, True), (3, 72, 24, 2, False), (3, 88, 24, 1, False), (5, 96, 40, 2, True),
            (5, 240, 40, 1, True), (5, 240, 40, 1, True), (5, 120, 48, 1, True), (5, 144, 48, 1, True),
            (5, 288, 96, 2, True), (5, 576, 96, 1, True), (5, 576, 96, 1, True)]  # fmt: skip
    return _mobilenet_v3(rows, 576, 1024)


def mnasnet_a1_075() -> Net:
    rows = [(1, 16, 1, 1, 3, 0), (6, 24, 2, 2, 3, 0), (3, 32, 3, 2, 5, 1), (6, 64, 4, 2, 3, 0), (6, 88, 2, 1, 3, 1),
            (6, 120, 3, 2, 5, 1), (6, 240, 1, 1, 3, 0)]  # fmt: skip
    return _inverted(Net().conv(24, 3, 2), rows).conv(1280, 1).dense(1000)


def mnasnet() -> Net:
    rows = [(1, 16, 1, 1, 3, 0), (3, 24, 3, 2, 3, 0), (3, 40, 3, 2, 5, 0), (6, 80, 3, 2, 5, 0), (6, 96, 2, 1, 3, 0),
            (6, 192, 4, 2, 5, 0), (6, 320, 1, 1, 3, 0)]  # fmt: skip
    return _inverted(Net().conv(32, 3, 2), rows).conv(1280, 1).dense(1000)


def efficientnet_b0() -> Net:
    rows = [(1, 16, 1, 1, 3, 1), (6, 24, 2, 2, 3, 1), (6, 40, 2, 2, 5, 1), (6, 80, 3, 2, 3, 1), (6, 112, 3, 1, 5, 1),
            (6, 192, 4, 2, 5, 1), (6, 320, 1, 1, 3, 1)]  # fmt: skip
    return _inverted(Net().conv(32, 3, 2), rows).conv(1280, 1).dense(1000)


# width, depth and side of EfficientNet-Lite 0 to 4; the first and last stage keep their depth
LITE = ((1.0, 1.0, 224), (1.0, 1.1, 240), (1.1, 1.2, 260), (1.2, 1.4, 280), (1.4, 1.8, 300))


def _lite_stages(level: int) -> list[tuple[int, ...]]:
    width, depth, _ = LITE[level]
    rows = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
            (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)]  # fmt: skip
    scaled = []
    for i, (times, out, repeats, stride, size) in enumerate(rows):
        wide = max(8, int(out * width + 4) // 8 * 8)
        wide += 8 if wide < 0.9 * out * width else 0
        scaled.append((times, wide, repeats if i in (0, 6) else math.ceil(repeats * depth), stride, size, 0))
    return scaled


def efficientnet_lite(level: int) -> Net:
    """EfficientNet without gates, ReLU6 for its curves."""
    return _inverted(Net(LITE[level][2]).conv(32, 3, 2), _lite_stages(level)).conv(1280, 1).dense(1000)


# side, channels and repeats of the feature pyramid, repeats of the heads of EfficientDet-Lite 0 to 3
DET = ((320, 64, 3, 3), (384, 88, 4, 3), (448, 112, 5, 3), (512, 160, 6, 4))


def efficientdet_lite(level: int) -> Net:
    """A detector of 90 classes with nine anchors a place, up to its decoding."""
    side, wide, cells, repeats = DET[level]
    net, taps = Net(side).conv(32, 3, 2), []
    for row in _lite_stages(level):
        _inverted(net, [row])
        taps.append((net.side, net.channels))
    for tap in (taps[2], taps[4], taps[4], taps[6], taps[6], taps[6]):  # laterals; two levels are used twice
        net.side, net.channels = tap
        net.conv(wide, 1)
    sides = [math.ceil(side / stride) for stride in (8, 16, 32, 64, 128)]
    for _ in range(cells):
        for at in (
            3,
            2,
            1,
            0,
            1,
            2,
            3,
            4,
        ):  # down and up: a resize or a pool, a sum, a separable convolution
            net.side, net.channels = sides[at], wide
            net.add().add().dw().conv(wide, 1)
    for at in sides:
        for last in (9 * 90, 9 * 4):
            net.side, net.channels = at, wide
            for _ in range(repeats):
                net.dw().conv(wide, 1)
            net.dw().conv(last, 1)
    return net


def squeezenet() -> Net:
    net = Net(227).conv(64, 3, 2).pool()
    for squeeze, wide, pooled in ((16, 64, 0), (16, 64, 1), (32, 128, 0), (32, 128, 1), (48, 192, 0), (48, 192, 0),
                                  (64, 256, 0), (64, 256, 0)):  # fmt: skip
        net.conv(squeeze, 1).conv(wide, 1, keep=True).conv(wide, 3)
        net.channels = 2 * wide
        if pooled:
            net.pool()
    return net.conv(1000, 1)


def resnet18() -> Net:
    net = Net().conv(64, 7, 2).pool()
    for out, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        for i in range(2):
            if i == 0 and stride == 2:
                net.conv(out, 1, 2, keep=True)
            net.conv(out, 3, stride if i == 0 else 1).conv(out).add()
    return net.dense(1000)


def resnet50() -> Net:
    net = Net().conv(64, 7, 2).pool()
    for mid, repeats, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(repeats):
            if i == 0:
                net.conv(mid * 4, 1, stride, keep=True)
            net.conv(mid, 1).conv(mid, 3, stride if i == 0 else 1).conv(mid * 4, 1).add()
    return net.dense(1000)


def resnet8() -> Net:
    """MLPerf Tiny's image classifier."""
    net = Net(32).conv(16)
    for out, stride in ((16, 1), (32, 2), (64, 2)):
        if stride == 2:
            net.conv(out, 1, 2, keep=True)
        net.conv(out, 3, stride).conv(out).add()
    return net.dense(10)


def alexnet() -> Net:
    net = Net(227).conv(96, 11, 4).pool()
    net.channels = 48  # two groups
    net.conv(256, 5).pool().conv(384, 3)
    net.channels = 192
    net.conv(384, 3)
    net.channels = 192
    return net.conv(256, 3).pool().dense(4096, 9216).dense(4096, 4096).dense(1000, 4096)


def vgg16() -> Net:
    net = Net()
    for out, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(repeats):
            net.conv(out)
        net.pool()
    return net.dense(4096, 25088).dense(4096, 4096).dense(1000, 4096)


PLAIN = (mobilenet_v1, mobilenet_v1_025_128, vww_96, mobilenet_v2, mobilenet_v3_large, mobilenet_v3_small, mnasnet,
         mnasnet_a1_075, efficientnet_b0, squeezenet, resnet8, resnet18, resnet50, alexnet, vgg16)  # fmt: skip
NETWORKS: dict[str, Callable[[], Net]] = {
    **{make.__name__: make for make in PLAIN},
    **{f"efficientnet_lite{i}": functools.partial(efficientnet_lite, i) for i in range(len(LITE))},
    **{f"efficientdet_lite{i}": functools.partial(efficientdet_lite, i) for i in range(len(DET))},
}


def main() -> None:
    """One row a network."""
    with TARGET.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for name, make in NETWORKS.items():
            net = make()
            writer.writerow([name, *(int(net.sums[column]) for column in COLUMNS[1:])])
    print(TARGET.read_text())


if __name__ == "__main__":
    main()
