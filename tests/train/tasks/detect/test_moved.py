"""Boxes go where their pictures go: a bright square under its box is under it after every recipe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from edgelens.train.augment.flip import Flip
from edgelens.train.augment.mixup import Mixup
from edgelens.train.augment.mosaic import Mosaic
from edgelens.train.augment.recipe import Recipe, recipe_from_json, recipe_to_json
from edgelens.train.augment.shift import Shift
from edgelens.train.augment.turn import Turn
from edgelens.train.data.targets import RaggedTargets
from edgelens.train.task import Draw
from edgelens.train.tasks.detect.moved import augmented
from edgelens.train.tasks.detect.recipes import RECIPES

HEIGHT, WIDTH = 64, 96


def batch(count: int = 8) -> tuple[torch.Tensor, RaggedTargets]:
    """Black pictures with one to three white squares."""
    draw = np.random.default_rng(0)
    pixels = np.zeros((count, 3, HEIGHT, WIDTH), np.uint8)
    boxes, counts = [], []
    for i in range(count):
        counts.append(int(draw.integers(1, 4)))
        for place in draw.permutation(6)[: counts[-1]]:
            x, y = int(place % 3) * 32 + int(draw.integers(2, 10)), int(place // 3) * 32 + int(draw.integers(2, 10))
            pixels[i, :, y : y + 18, x : x + 18] = 255
            boxes.append((x, y, x + 18, y + 18))
    columns = {
        "boxes": torch.tensor(boxes, dtype=torch.float32),
        "labels": torch.zeros(len(boxes), dtype=torch.int64),
        "crowd": torch.zeros(len(boxes), dtype=torch.bool),
    }
    return torch.from_numpy(pixels), RaggedTargets(columns, torch.tensor([0, *np.cumsum(counts)]))


RECIPES_TRIED = {
    "flip": Recipe(flip=Flip(0.5, 0.5)),
    "shift": Recipe(shift=Shift(0.2)),
    "zoom": Recipe(turn=Turn(degrees=0, zoom=0.5)),
    "mosaic": Recipe(mosaic=Mosaic(1.0)),
    "all": Recipe(flip=Flip(), shift=Shift(0.1), turn=Turn(degrees=0, zoom=0.3), mosaic=Mosaic(0.5)),
}


@pytest.mark.parametrize("name", RECIPES_TRIED)
def test_what_is_white_is_under_a_box(name: str) -> None:
    pixels, targets = batch()
    seen = 0
    for epoch in range(4):
        shown, boxes = augmented(RECIPES_TRIED[name], pixels, targets, Draw(0, epoch, torch.arange(8)))
        assert len(boxes) == 8
        for i in range(8):
            covered = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
            for x0, y0, x1, y1 in boxes.columns["boxes"][boxes.pictures == i].tolist():
                inside = shown[i, 0, round(y0) : round(y1), round(x0) : round(x1)]
                assert float((inside > 0.2).float().mean()) > 0.75, (name, i, (x0, y0, x1, y1))
                covered[max(int(y0) - 1, 0) : int(y1) + 2, max(int(x0) - 1, 0) : int(x1) + 2] = True
                seen += 1
            stray = (shown[i, 0] > 0.5) & ~covered
            assert int(stray.sum()) < 130, "only what is hardly seen at an edge has no box"
    assert seen > 20


def test_a_turned_box_holds_its_thing() -> None:
    pixels, targets = batch()
    shown, boxes = augmented(Recipe(turn=Turn(degrees=30, zoom=0)), pixels, targets, Draw(0, 1, torch.arange(8)))
    for i in range(8):
        for x0, y0, x1, y1 in boxes.columns["boxes"][boxes.pictures == i].tolist():
            inside = shown[i, 0, round(y0) : round(y1), round(x0) : round(x1)]
            assert float((inside > 0.2).float().mean()) > 0.4


def test_what_lies_outside_is_gray_not_mirrored() -> None:
    _, targets = batch()
    white = torch.full((8, 3, HEIGHT, WIDTH), 255, dtype=torch.uint8)
    shown, _ = augmented(Recipe(turn=Turn(degrees=0, zoom=1.0)), white, targets, Draw(0, 3, torch.arange(8)))
    assert 0 < int((shown[:, 0, 0, 0] == 0).sum()) < 8, "smaller pictures have gray around them, larger ones none"


def test_mixed_pictures_have_the_boxes_of_both() -> None:
    pixels, targets = batch()
    _, boxes = augmented(Recipe(mixup=Mixup(1.0, 200.0)), pixels, targets, Draw(0, 0, torch.arange(8)))
    own = targets.counts
    assert boxes.counts.tolist() == [int(own[i] + own[i ^ 1]) for i in range(8)]


def test_a_sample_is_changed_alike_whenever_it_is_drawn() -> None:
    pixels, targets = batch()
    recipe = replace(RECIPES["default"], mosaic=None)
    whole, boxes = augmented(recipe, pixels, targets, Draw(5, 2, torch.arange(8)))
    part, some = augmented(recipe, pixels[3:5], targets.pick(np.array([3, 4])), Draw(5, 2, torch.tensor([3, 4])))
    torch.testing.assert_close(whole[3:5], part)
    picked = boxes.pick(np.array([3, 4]))
    torch.testing.assert_close(picked.columns["boxes"], some.columns["boxes"])


def test_the_close_mixes_nothing_and_recipes_survive_json() -> None:
    for recipe in RECIPES.values():
        assert recipe_from_json(recipe_to_json(recipe)) == recipe
        closed = recipe.at(0.99)
        assert (closed.mosaic is None) or not recipe.closing
        assert closed.mixup is None
