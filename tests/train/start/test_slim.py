"""A narrower lite0 starts from the channels that matter most of the one that has seen the world."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from edgelens.train.models.catalog import build
from edgelens.train.models.lite0 import Lite0, front_maps
from edgelens.train.models.options import ModelOptions
from edgelens.train.start.slim import fronted, slimmed


def lite0(width: float) -> Lite0:
    network = build("lite0", ModelOptions(width=width), channels=3, classes=5, size=(64, 64)).eval()
    assert isinstance(network, Lite0)
    return network


def with_idle_channels(network: Lite0) -> dict[str, Tensor]:
    """Weights in which half of every layer's channels give nothing: their normalisation makes zeros of them."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            idle = torch.randperm(module.num_features)[module.num_features // 2 :]
            with torch.no_grad():
                module.weight[idle] = 0
                module.bias[idle] = 0
    return network.state_dict()


@pytest.mark.parametrize("width", [0.5, 0.75])
def test_every_tensor_has_the_narrow_networks_shape(width: float) -> None:
    narrow = lite0(width)
    cut = slimmed(lite0(1.0).state_dict(), narrow)
    wanted = {name: tuple(t.shape) for name, t in narrow.state_dict().items() if "classifier" not in name}
    assert {name: tuple(t.shape) for name, t in cut.items()} == wanted


def test_nothing_is_lost_where_only_idle_channels_go() -> None:
    """Three quarters keep every half that works, so the answers stay."""
    torch.manual_seed(0)
    full, narrow = lite0(1.0), lite0(0.75)
    weights = with_idle_channels(full)
    for stage in full.layers.get_submodule("trunk.stages").children():  # what is added must be idle in the same places
        last = [list(block.layers.children())[-1] for block in stage.children()]  # type: ignore[union-attr]
        for norm in last[1:]:
            norm.load_state_dict({**norm.state_dict(), "weight": last[0].weight, "bias": last[0].bias})
    weights = full.state_dict()
    narrow.load_state_dict(slimmed(weights, narrow), strict=False)
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():  # which features stay is no matter; those that went were idle
        whole, cut = (torch.sort(network.embedding(x).abs()).values for network in (full, narrow))
        assert torch.allclose(whole[:, -cut.shape[1] :], cut, atol=2e-3 * float(whole.max()))


def test_a_front_sees_what_the_whole_sees_up_to_there_and_part_of_what_comes_next() -> None:
    whole = lite0(1.0).eval()
    front = build("lite0-16", ModelOptions(), channels=3, classes=4, size=(64, 64)).eval()
    front.load_state_dict(fronted(whole.state_dict(), front), strict=False)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        last, ends = front_maps(front.layers, x)
        trunk = whole.layers.get_submodule("trunk")
        theirs = trunk.ends(x)[4]
        expanded = trunk.stages[5][0].layers[:3](theirs)
    assert torch.equal(ends, theirs)
    nearest = (last[:, :, None] - expanded[:, None]).abs().amax((0, 3, 4)).amin(1)
    assert last.shape[1] == 176 and float(nearest.max()) < 1e-4
