"""The losses fall where pictures of one identity come together, and their gradients are finite."""

from __future__ import annotations

import pytest
import torch

from edgelens.train.tasks.identify.losses import contrastive, margin_softmax

LOSSES = [margin_softmax, contrastive]


@pytest.mark.parametrize("loss", LOSSES)
def test_together_is_better_than_apart(loss):
    generator = torch.Generator().manual_seed(0)
    ids = torch.arange(4).repeat_interleave(3)
    centers = torch.randn(4, 16, generator=generator)[ids]
    noise = torch.randn(12, 16, generator=generator)
    near, far = loss(centers + 0.1 * noise, ids), loss(centers + 3 * noise, ids)
    assert near.shape == (12,) and float(near.mean()) < float(far.mean())


@pytest.mark.parametrize("loss", LOSSES)
def test_equal_pictures_and_lonely_ones_have_finite_gradients(loss):
    ids = torch.tensor([0, 0, 1, 2, 2])
    rows = torch.ones(5, 8).requires_grad_()
    value = loss(rows, ids)
    value.sum().backward()
    assert torch.isfinite(value).all() and torch.isfinite(rows.grad).all()
    assert float(value[2].detach()) == 0, "one alone has nobody to be near to"


def test_the_margin_asks_for_more_than_the_nearest_centre():
    ids = torch.tensor([0, 0, 1, 1])
    rows = torch.tensor([[1.0, 0.1], [1, 0.3], [1, 0.9], [1, 1.1]])
    cosines = torch.nn.functional.normalize(rows) @ torch.nn.functional.normalize(rows).T
    plain = torch.nn.functional.cross_entropy(24 * torch.stack([cosines[0, 1], cosines[0, 2]])[None], ids[:1])
    assert float(margin_softmax(rows, ids)[0]) > float(plain)
