"""Modes are measured without leaving a trace, and memory is kept where glibc is."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from edgelens.runtime.errors import UsageError
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions
from edgelens.train.optimize.precision import MODES, autocast, fastest, kept, laid_out


def test_measuring_changes_nothing_of_the_network() -> None:
    network = build("resnet8", ModelOptions(), channels=3, classes=4, size=(16, 16))
    before = {name: t.clone() for name, t in network.state_dict().items()}
    mode, speeds = fastest(
        network, torch.randn(16, 3, 16, 16), lambda out: F.cross_entropy(out, torch.zeros(16).long())
    )
    assert mode in MODES
    assert set(speeds) == set(MODES)
    assert speeds[mode] >= 0.95 * speeds["float32"]
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())


def test_a_mode_that_is_asked_for_is_not_measured() -> None:
    network = build("linear", ModelOptions(), channels=1, classes=2, size=(4, 4))
    assert fastest(network, torch.zeros(2, 1, 4, 4), torch.Tensor.mean, "bfloat16") == ("bfloat16", {})
    with pytest.raises(UsageError, match="must be auto or one of"):
        fastest(network, torch.zeros(2, 1, 4, 4), torch.Tensor.mean, "int4")


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_answers_nearly_alike(mode: str) -> None:
    torch.manual_seed(0)
    network = build("resnet8", ModelOptions(), channels=3, classes=4, size=(16, 16)).eval()
    x = torch.randn(4, 3, 16, 16)
    with torch.no_grad():
        wanted = network(x)
        with autocast(mode, x.device):
            got = laid_out(network, mode)(laid_out(x, mode)).float()
    assert torch.allclose(got, wanted, atol=0.05 * float(wanted.abs().max()))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_large_blocks_are_kept_and_importing_changes_nothing() -> None:
    program = """
import resource, torch, edgelens.train.optimize.allocator as memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.empty(64 * 2**20, dtype=torch.uint8).fill_(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
plain = faults()
assert memory.keep_large_blocks()
faults()
faults()
kept = faults()
print(plain, kept)
"""
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    plain, kept = map(int, out.split())
    assert kept < plain / 4


def test_channels_last_is_left_out_where_its_way_back_would_crash() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 8, 1, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    _, measured = fastest(network, torch.zeros(4, 3, 16, 16), lambda outputs: outputs.mean())
    assert "channels-last" not in measured and "float32" in measured
    with pytest.raises(UsageError, match="crashes in it; take float32"):
        fastest(network, torch.zeros(4, 3, 16, 16), lambda outputs: outputs.mean(), "channels-last")


class _SlowInHalves(nn.Module):
    """What another processor than the training's may be: one that takes far longer in bfloat16."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(40 if torch.is_autocast_enabled("cpu") else 1):
            x = self.convolution(x)
        return x


def test_a_training_s_own_mode_is_kept_unless_it_crashes_or_is_hopeless_here() -> None:
    pictures = torch.zeros(8, 3, 48, 48)
    plain = nn.Conv2d(3, 8, 3)
    assert [kept(plain, pictures, torch.Tensor.mean, mode) for mode in ("float32", "channels-last")] == [
        "float32", "channels-last"
    ]  # fmt: skip
    assert kept(_SlowInHalves(), pictures, torch.Tensor.mean, "bfloat16") == "float32"
    crashing = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 8, 1, stride=2))
    assert kept(crashing, pictures, torch.Tensor.mean, "channels-last") == "float32"
