"""Observers and the numbers that ranges become."""

import numpy as np
import pytest
import torch
from torch import nn

from edgelens.compress.network.graph import trace
from edgelens.compress.quantize.observers import OBSERVERS, Histogram, Observer, observe, observe_by
from edgelens.compress.quantize.plan import make_plan
from edgelens.compress.quantize.ranges import PIXELS, Range, agree_on_ranges, weight_scales
from edgelens.runtime.preprocess import PixelContract


def test_the_pixel_is_the_quantized_input():
    assert float(PIXELS.scale) == 1 / 128
    assert PIXELS.zero_point == 128


@pytest.mark.parametrize("low, high", [(0.0, 6.0), (-1.5, 0.2), (2.0, 3.0), (-3.0, -1.0), (0.0, 0.0)])
def test_zero_is_always_one_of_the_steps(low, high):
    chosen = Range(low, high)
    assert 0 <= chosen.zero_point <= 255
    assert chosen.scale > 0


def histogram(values):
    counts, edges = np.histogram(values, 2048)
    return Histogram(edges[0], edges[-1], counts.astype(float))


def quantization_error(values, low, high):
    chosen = Range(low, high)
    steps = np.clip(np.rint(values / chosen.scale) + chosen.zero_point, 0, 255)
    return float(np.square((steps - chosen.zero_point) * chosen.scale - values).sum())


def test_percentile_leaves_a_lone_outlier_out():
    found = histogram(np.r_[np.random.default_rng(0).normal(0, 1, 100_000), 80.0])
    assert OBSERVERS["minmax"](found, Observer())[1] == 80.0
    low, high = OBSERVERS["percentile"](found, Observer("percentile", 99.99))
    assert high < 8
    assert low < -3


def test_mse_has_the_smaller_error():
    values = np.r_[np.random.default_rng(0).normal(0, 1, 400_000), 30.0, -25.0]
    found = histogram(values)
    wide, tight = (OBSERVERS[method](found, Observer(method)) for method in ("minmax", "mse"))
    assert tight[1] < wide[1]
    assert quantization_error(values, *tight) < 0.8 * quantization_error(values, *wide)


def test_minmax_sees_every_batch():
    class Doubles(nn.Module):
        def forward(self, x):
            return torch.relu(x) + x

    pixels = PixelContract(4, 4)
    images = np.full((130, 4, 4, 3), 128, np.uint8)
    images[129, 0, 0, 0] = 255
    images[3, 0, 0, 0] = 0
    graph = trace(Doubles(), pixels)
    limits = observe(graph, images)
    assert limits["add"] == (-1.0, pytest.approx(2 * 127 / 128))


def test_ranges_that_are_known_are_not_looked_for_again(monkeypatch):
    from edgelens.compress.quantize import observers

    pixels = PixelContract(8, 8)
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    graph = trace(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), pixels)
    several = (Observer("minmax"), Observer("mse"))
    wanted, limits = observe_by(graph, images, several), observe(graph, images)
    looked = []
    monkeypatch.setattr(observers, "_limits", lambda *_: looked.append(1) or {})
    assert observe_by(graph, images, several, limits) == wanted
    assert not looked


def test_tensors_that_are_joined_share_one_range():
    class Joins(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
            self.head = nn.Linear(8, 2)
            nn.init.constant_(self.two.weight, 3.0)

        def forward(self, x):
            joined = torch.cat([self.one(x), self.two(x)], 1)
            return self.head(nn.functional.max_pool2d(joined, 2).mean((2, 3)))

    pixels = PixelContract(4, 4)
    graph = trace(Joins(), pixels)
    images = np.random.default_rng(0).integers(0, 256, (8, 4, 4, 3), dtype=np.uint8)
    quantized = agree_on_ranges(graph, make_plan(graph, outputs=("joined",)), observe(graph, images))
    shared = {quantized.of(name) for name in ("conv2d", "conv2d_1", "cat", "max_pool2d")}
    assert len(shared) == 1


def test_what_shares_with_the_pixels_has_their_range():
    class Joins(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.head = nn.Conv2d(3, 4, 3, 2, 1), nn.Linear(7, 2)
            nn.init.constant_(self.one.weight, 3.0)

        def forward(self, x):
            joined = torch.cat([nn.functional.max_pool2d(x, 2), self.one(x)], 1)
            return self.head(nn.functional.max_pool2d(joined, 2).mean((2, 3)))

    graph = trace(Joins(), PixelContract(8, 8))
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)
    quantized = agree_on_ranges(graph, make_plan(graph, outputs=("joined",)), observe(graph, images))
    assert {quantized.of(name) for name in ("x", "max_pool2d", "conv2d", "cat")} == {PIXELS}


def test_what_is_always_zero_is_stretched_too():
    assert Range(0.0, 0.0).widened(3.0) == Range(0.0, 3.0)
    stretched = Range(-1.0, 2.0).widened(6.0)
    assert (stretched.low, stretched.high) == (-2.0, 4.0)


def test_weights_get_a_scale_a_channel():
    weight = np.array([[[[2.54]]], [[[-1.27]]]], np.float32)
    np.testing.assert_allclose(weight_scales(weight), [0.02, 0.01], rtol=1e-6)
