"""Pictures moved by OpenCV look as those that are sampled from floats."""

import numpy as np
import pytest
import torch

from edgelens.train.augment.apply import normalised
from edgelens.train.augment.mosaic import canvas
from edgelens.train.augment.through import seen_through
from edgelens.train.augment.warp import affine, warp

SHAPE = (40, 56)


@pytest.fixture(scope="module", params=[1, 3])
def pictures(request):
    ys, xs = np.mgrid[:40, :56]
    waves = [128 + 100 * np.sin(xs / 6 + i) * np.cos(ys / 5 - i) for i in range(2)]
    return torch.from_numpy(np.stack([np.stack([wave] * request.param, -1) for wave in waves]).astype(np.uint8))


@pytest.mark.parametrize("size", [None, (32, 48)])
@pytest.mark.parametrize("perspective", [False, True])
def test_both_ways_show_the_same(pictures, perspective, size):
    matrices = affine([[1.3, 0.2, 0.1], [-0.15, 0.8, torch.tensor([0.0, 0.4])]], 2, pictures.device)
    if perspective:
        matrices[:, 2, 0] = 0.1
    shown = seen_through(pictures, matrices, perspective=perspective, size=size)
    planes = normalised(pictures.permute(0, 3, 1, 2))
    floats = warp(planes, matrices, perspective=perspective, size=size, outside="zeros")
    assert shown.shape == (2, *(size or SHAPE), pictures.shape[3])
    apart = (normalised(shown.permute(0, 3, 1, 2)) - floats).abs() * 128
    assert apart.mean() < 0.6, "but for rounding"
    assert apart.quantile(0.99) < 4, "of sampling in thirty-seconds of a pixel"


def test_what_lies_outside_is_gray(pictures):
    far = affine([[1, 0, 9.0], [0, 1, 0]], 2, pictures.device)
    assert (seen_through(pictures, far) == 128).all()


def test_four_tiles_lie_in_reading_order(pictures):
    laid = canvas(pictures, torch.tensor([[0, 1, 1, 0]]))
    top, bottom = torch.cat([pictures[0], pictures[1]], 1), torch.cat([pictures[1], pictures[0]], 1)
    assert torch.equal(laid[0], torch.cat([top, bottom]))
