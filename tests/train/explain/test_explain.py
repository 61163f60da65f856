"""Explanations with known answers: a planted mark is found, attributions add up, attention sums to one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgelens.runtime.errors import UsageError
from edgelens.runtime.explain.picture import heat_in_frame, side_by_side
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.train.explain.attention import Attention, attention, patch_weights
from edgelens.train.explain.catalog import METHODS, fitting_method, method
from edgelens.train.explain.explain import explain
from edgelens.train.explain.gradcam import grad_cam
from edgelens.train.explain.integrated_gradients import IntegratedGradients, completeness_error, integrated_gradients
from edgelens.train.explain.occlusion import Occlusion, occlusion
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions
from edgelens.train.tasks.classify.reading import class_reading

SIDE, MARK = 32, 8
CLASSES = ("across", "down")
READING = class_reading(CLASSES)


def marked(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Noise with one striped square, whose stripes' direction is the class; images, classes, the square's corners."""
    draw = np.random.default_rng(seed)
    images = draw.normal(0, 0.25, (count, 1, SIDE, SIDE)).astype(np.float32)
    labels = draw.integers(0, 2, count)
    corners = draw.integers(0, SIDE - MARK, (count, 2))
    stripes = np.where(np.arange(MARK) // 2 % 2, 0.9, -0.9).astype(np.float32)
    for image, label, (y, x) in zip(images, labels, corners, strict=True):
        image[0, y : y + MARK, x : x + MARK] = stripes[:, None] if label == 0 else stripes[None, :]
    return torch.from_numpy(images), torch.from_numpy(labels), torch.from_numpy(corners)


def trained(name: str, steps: int, options: ModelOptions) -> nn.Module:
    torch.manual_seed(0)
    network = build(name, options, channels=1, classes=2, size=(SIDE, SIDE)).train()
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    for step in range(steps):
        images, labels, _ = marked(32, step + 1)
        loss = nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


@pytest.fixture(scope="module")
def network() -> nn.Module:
    found = trained("resnet8", 55, ModelOptions())
    images, labels, _ = marked(200, 0)
    assert (found(images).argmax(1) == labels).float().mean() > 0.97, "the network under test has learned nothing"
    return found


def share_inside(heat: Tensor, corners: Tensor, slack: int) -> Tensor:
    """(B,) the part of the positive heat that lies on the mark, some pixels around it included."""
    heat = heat.clamp(min=0)
    shares = []
    for one, (y, x) in zip(heat, corners.tolist(), strict=True):
        inside = one[max(y - slack, 0) : y + MARK + slack, max(x - slack, 0) : x + MARK + slack].sum()
        shares.append(inside / one.sum().clamp(min=1e-9))
    return torch.stack(shares)


@pytest.mark.parametrize("name", ["grad-cam", "integrated-gradients", "occlusion"])
def test_the_planted_mark_is_found(network: nn.Module, name: str) -> None:
    images, labels, corners = marked(24, 99)
    heat = method(name)(network, images, labels, READING)
    assert heat.shape == (24, SIDE, SIDE)
    slack = {"grad-cam": 4, "integrated-gradients": 2, "occlusion": 6}[name]  # a map's cell, a receptive field, a cover
    area = (MARK + 2 * slack) ** 2 / SIDE**2
    inside = share_inside(heat, corners, slack)
    assert float(inside.median()) > min(2.2 * area, 0.7), f"{float(inside.median()):.2f} of the heat, area {area:.2f}"
    hottest = heat.flatten(1).argmax(1)
    y, x = hottest // SIDE - corners[:, 0], hottest % SIDE - corners[:, 1]
    near = (y >= -slack) & (y < MARK + slack) & (x >= -slack) & (x < MARK + slack)
    assert near.float().mean() > 0.85


def test_an_untrained_network_does_not_find_it() -> None:
    torch.manual_seed(1)
    images, labels, corners = marked(24, 99)
    blind = build("resnet8", ModelOptions(), channels=1, classes=2, size=(SIDE, SIDE)).eval()
    assert float(share_inside(integrated_gradients(blind, images, labels, READING), corners, 2).median()) < 0.6


@pytest.mark.parametrize("name", ["resnet8", "mlp", "gru", "vit-tiny"])
def test_integrated_gradients_leave_nothing_out(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, ModelOptions(), channels=1, classes=3, size=(16, 16)).eval()
    images, labels = torch.rand(4, 1, 16, 16) * 2 - 1, torch.tensor([0, 1, 2, 0])
    config = IntegratedGradients(steps=96)
    heat = integrated_gradients(network, images, labels, READING, config)
    error = completeness_error(network, images, labels, READING, heat, config)
    assert float(error.median()) < 0.01
    assert float(error.max()) < 0.05  # of a difference that may itself be small
    coarse = integrated_gradients(network, images, labels, READING, IntegratedGradients(steps=1))
    assert completeness_error(network, images, labels, READING, heat * 1.5, config).min() > 0.3
    assert coarse.shape == heat.shape


def test_integrated_gradients_of_a_linear_network_are_weight_times_pixel() -> None:
    network = build("linear", ModelOptions(), channels=1, classes=2, size=(4, 4)).eval()
    images = torch.rand(2, 1, 4, 4)
    heat = integrated_gradients(network, images, torch.tensor([0, 1]), READING, IntegratedGradients(steps=2))
    weights = network.classifier.weight.detach().view(2, 4, 4)  # type: ignore[union-attr,operator]
    torch.testing.assert_close(heat, images[:, 0] * weights)


def test_occlusion_of_a_network_that_reads_one_corner() -> None:
    class Corner(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen = x[:, 0, :2, :2].mean((1, 2))
            return torch.stack((seen * 5, -seen * 5), dim=1)

    images = torch.full((1, 1, 16, 24), 0.8)
    heat = occlusion(Corner(), images, torch.tensor([0]), READING, Occlusion(side=0.25, step=1.0, pixel=128))
    assert heat.shape == (1, 16, 24)
    assert float(heat[0, :4, :4].min()) > 0.1
    assert float(heat[0, 4:].abs().max()) == 0
    assert float(heat[0, :, 4:].abs().max()) == 0


@pytest.mark.parametrize("size", [(28, 28), (32, 24)])
def test_attention_sums_to_one(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    network = build("vit-tiny", ModelOptions(), channels=1, classes=3, size=size).eval()
    images = torch.rand(3, 1, *size)
    for config in (Attention(), Attention(rollout=False)):
        weights, _, _ = patch_weights(network, images, config)
        torch.testing.assert_close(weights.sum(1), torch.ones(3))
        assert float(weights.min()) >= 0
    heat = attention(network, images, torch.zeros(3, dtype=torch.int64), READING)
    assert heat.shape == (3, *size)
    torch.testing.assert_close(heat.sum((1, 2)), torch.ones(3))


def test_attention_follows_the_pooling() -> None:
    torch.manual_seed(0)
    network = build("vit-tiny", ModelOptions(), channels=1, classes=3, size=(28, 28)).eval()
    images = torch.zeros(1, 1, 28, 28)
    images[:, :, 8:12, 16:20] = 0.9  # one patch unlike all others
    torch.nn.init.zeros_(network.position)  # type: ignore[arg-type]
    weights, rows, columns = patch_weights(network, images, Attention())
    unlike = int((weights - weights.median()).abs().argmax())
    assert (unlike // columns, unlike % columns) == (2, 4), f"of {rows}×{columns} patches"


def test_what_does_not_fit_a_network_says_what_does() -> None:
    mlp = build("mlp", ModelOptions(), channels=1, classes=2, size=(8, 8)).eval()
    images, labels = torch.zeros(1, 1, 8, 8), torch.zeros(1, dtype=torch.int64)
    with pytest.raises(UsageError, match="Mlp has no feature maps; take integrated-gradients"):
        grad_cam(mlp, images, labels, READING)
    with pytest.raises(UsageError, match="Mlp has no attention; take grad-cam"):
        attention(mlp, images, labels, READING)
    with pytest.raises(UsageError, match="--method gradcam: must be one of grad-cam, "):
        method("gradcam")
    assert fitting_method(mlp) == "integrated-gradients"
    assert set(METHODS) == {"grad-cam", "integrated-gradients", "occlusion", "attention"}


def test_grad_cam_leaves_the_network_as_it_was(network: nn.Module) -> None:
    images, labels, _ = marked(2, 5)
    before = network(images)
    gradients = [None if p.grad is None else p.grad.clone() for p in network.parameters()]
    grad_cam(network, images, labels, READING)
    assert "forward_features" not in vars(network)
    torch.testing.assert_close(network(images), before)
    for kept, parameter in zip(gradients, network.parameters(), strict=True):
        assert (kept is None) == (parameter.grad is None)
        assert kept is None or torch.equal(kept, parameter.grad)  # type: ignore[arg-type]


@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
def test_heat_comes_back_to_its_place_in_the_photo(resize: str) -> None:
    photo = np.zeros((120, 200, 3), np.uint8)
    photo[40:60, 110:130] = 255
    seen, placement = fit_frame(photo, PixelContract(48, 48, "gray", resize=resize))  # type: ignore[arg-type]
    heat = heat_in_frame(seen[..., 0].astype(np.float32), placement)
    assert heat.shape == (120, 200)
    y, x = (float((heat.sum(axis) * np.arange(heat.shape[1 - axis])).sum() / heat.sum()) for axis in (1, 0))
    if resize == "letterbox":
        heat = heat * (heat > 130)  # the bars' own gray is no heat of the photo
        y, x = (float((heat.sum(axis) * np.arange(heat.shape[1 - axis])).sum() / heat.sum()) for axis in (1, 0))
    assert abs(y - 49.5) < 2
    assert abs(x - 119.5) < 2


def test_a_photo_is_explained(network: nn.Module, tmp_path: Path) -> None:
    images, labels, corners = marked(1, 7)
    gray = ((images[0, 0] * 128 + 128).clamp(0, 255)).numpy().astype(np.uint8)
    photo = cv2.cvtColor(cv2.resize(gray, (128, 128), interpolation=cv2.INTER_NEAREST), cv2.COLOR_GRAY2BGR)
    pixels = PixelContract(SIDE, SIDE, "gray")
    found = explain(network, photo, reading=READING, pixels=pixels)
    assert found.label == found.said == CLASSES[int(labels[0])]
    assert found.method == "grad-cam"
    x, y = found.whole.at()
    left, top = int(corners[0, 1]) * 4, int(corners[0, 0]) * 4
    assert left - 16 <= x < left + 48
    assert top - 16 <= y < top + 48
    assert side_by_side(photo, found.whole.heat, found.label).shape == (480 + 26, 480 * 2 + 6, 3)
    other = explain(network, photo, reading=READING, pixels=pixels, label=CLASSES[1 - int(labels[0])])
    assert other.label != other.said
    with pytest.raises(UsageError, match="--class sideways: is none of this run's: across, down"):
        explain(network, photo, reading=READING, pixels=pixels, label="sideways")
