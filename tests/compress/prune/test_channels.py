"""Whatever the last layer of an output is, frozen or not, pruning leaves what it answers as it was."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgelens.compress.prune.channels import macs_of, output_layers, prune_to_macs
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.config import TrainConfig
from edgelens.train.tasks.catalog import make_network

PIXELS = PixelContract(16, 16)


def block(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU())


class Masks(nn.Module):
    """A map that is made larger by its last layer, beside a dense one."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.dense = nn.Sequential(block(3, 32), block(32, 64)), nn.Linear(64, 5)
        self.larger = nn.ConvTranspose2d(64, 24, 2, 2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        there = self.trunk(x)
        return {"mask": self.larger(there), "scores": self.dense(there.mean((2, 3)))}


class Sums(nn.Module):
    """An output that two layers add up to, which the dense one takes too."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.dense = block(3, 32), nn.Linear(32, 5)
        self.second = nn.Sequential(nn.Conv2d(32, 32, 3, 1, 1), nn.ReLU(), nn.Conv2d(32, 32, 3, 1, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        there = self.first(x)
        there = there + self.second(there)
        return there, self.dense(there.mean((2, 3)))


def shapes(network: Any) -> list[tuple[int, ...]]:
    with torch.no_grad():
        outputs = network(torch.zeros(1, 3, 16, 16))
    return [tuple(output.shape) for output in (outputs.values() if isinstance(outputs, dict) else outputs)]


@pytest.mark.parametrize("frozen", [False, True], ids=["free", "frozen"])
@pytest.mark.parametrize("kind", [Masks, Sums])
def test_what_is_answered_keeps_its_shape(kind: Any, frozen: bool) -> None:
    torch.manual_seed(0)
    network = kind().eval().requires_grad_(not frozen)
    smaller = prune_to_macs(network, PIXELS, macs_of(network, PIXELS) * 0.6)
    assert macs_of(smaller, PIXELS) <= macs_of(network, PIXELS) * 0.6
    assert shapes(smaller) == shapes(network)
    assert {value.requires_grad for value in smaller.parameters()} == {not frozen}


def test_layers_are_found_where_no_gradients_are_asked_for() -> None:
    network = Masks().eval()
    with torch.no_grad():
        assert set(output_layers(network, torch.zeros(1, 3, 16, 16))) == {network.larger, network.dense}


@pytest.mark.parametrize("task", ["classify", "identify"])
@pytest.mark.parametrize("model", ["lite0", "lite0-16"])
def test_a_head_that_looks_at_several_maps_leaves_them_prunable(model: str, task: str) -> None:
    config = TrainConfig("photos", "run", model=model, task=task, size=(16, 16))
    network = make_network(config, ("cup", "pen"), PIXELS).eval()
    smaller = prune_to_macs(network, PIXELS, macs_of(network, PIXELS) * 0.5)
    assert macs_of(smaller, PIXELS) <= macs_of(network, PIXELS) * 0.5
