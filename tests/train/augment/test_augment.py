"""Augmentation: draws belong to the sample, geometry is exact, targets follow the pixels, every technique works."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from edgelens.runtime.errors import UsageError
from edgelens.train import augment
from edgelens.train.augment import mixup
from edgelens.train.augment.camera import WEBCAM, Camera, shoot
from edgelens.train.augment.camera.jpeg import through_jpeg
from edgelens.train.augment.colour import Colour
from edgelens.train.augment.cutmix import Cutmix
from edgelens.train.augment.flip import Flip
from edgelens.train.augment.mixup import Mixup
from edgelens.train.augment.perspective import Perspective
from edgelens.train.augment.random.draws import Draws
from edgelens.train.augment.sheet import write_sheet
from edgelens.train.augment.shift import Shift
from edgelens.train.augment.turn import Turn
from edgelens.train.optimize.distributed import World


def photos(count: int = 8, channels: int = 3, height: int = 24, width: int = 32, seed: int = 0) -> Tensor:
    """(B, C, H, W) uint8: smooth pictures with structure, no white noise."""
    draw = np.random.default_rng(seed)
    small = draw.integers(0, 256, (count, 6, 8, channels), dtype=np.uint8)
    large = [cv2.resize(s, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, -1) for s in small]
    return torch.from_numpy(np.stack(large)).permute(0, 3, 1, 2)


def applied(recipe: augment.Recipe, batch: Tensor, samples: Tensor | None = None, epoch: int = 0) -> Tensor:
    samples = torch.arange(len(batch)) if samples is None else samples
    targets = torch.zeros(len(batch), dtype=torch.int64)
    images, _ = augment.apply(recipe, batch, targets, seed=3, epoch=epoch, samples=samples, classes=4)
    return images


def test_draws_are_splitmix64() -> None:
    # the published first outputs of splitmix64 for state 1234567; a draw adds steps of the golden ratio and mixes
    from edgelens.train.augment.random.draws import _GOLDEN, _mixed

    state, seen = 1234567, []
    for _ in range(3):
        state = (state + (_GOLDEN % 2**64)) % 2**64
        signed = state - 2**64 if state >= 2**63 else state
        seen.append(int(_mixed(torch.tensor(signed))) % 2**64)
    assert seen == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_draws_are_uniform_and_streams_are_independent() -> None:
    draws = Draws.of(0, 0, torch.arange(20000))
    a, b = draws.uniform("a"), draws.uniform("b")
    assert float(a.min()) >= 0
    assert float(a.max()) < 1
    assert torch.histc(a, 10, 0, 1).sub(2000).abs().max() < 200
    assert abs(float(torch.corrcoef(torch.stack((a, b)))[0, 1])) < 0.03
    later = Draws.of(0, 1, torch.arange(20000)).uniform("a")
    assert abs(float(torch.corrcoef(torch.stack((a, later)))[0, 1])) < 0.03
    normals = draws.normals("n", 9)
    assert abs(float(normals.mean())) < 0.01
    assert abs(float(normals.std()) - 1) < 0.01


@pytest.mark.parametrize("name", ["quick", "default", "none+camera"])
def test_a_sample_is_augmented_the_same_in_any_batch(name: str) -> None:
    recipe, batch = augment.recipe(name), photos(12)
    whole = applied(recipe, batch)
    rows = torch.tensor([7, 2, 11])
    part = applied(recipe, batch[rows], rows)
    torch.testing.assert_close(part, whole[rows], atol=2e-6, rtol=0)
    assert not torch.equal(applied(recipe, batch, epoch=1), whole)


def test_mixing_is_the_same_on_one_process_and_on_two() -> None:
    recipe, batch, samples = augment.recipe("best"), photos(8), torch.arange(100, 108)
    targets = torch.arange(8) % 4

    def half(rows: slice) -> tuple[Tensor, Tensor]:
        return augment.apply(recipe, batch[rows], targets[rows], seed=1, epoch=2, samples=samples[rows], classes=4)

    images, soft = half(slice(0, 8))
    parts = half(slice(0, 4)), half(slice(4, 8))
    torch.testing.assert_close(torch.cat([p[0] for p in parts]), images, atol=2e-6, rtol=0)
    torch.testing.assert_close(torch.cat([p[1] for p in parts]), soft)


@pytest.mark.parametrize(("count", "size"), [(128, 2), (130, 4), (61, 3), (5, 4), (1, 2)])
def test_a_batch_is_shared_out_whole_and_in_pairs(count: int, size: int) -> None:
    parts = [World(rank, size).share(np.arange(count)) for rank in range(size)]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(count))
    if count >= 4 * size:
        assert all(part[0] % 2 == 0 for part in parts)
        assert max(map(len, parts)) - min(map(len, parts)) <= 3


def test_nothing_is_exactly_the_pixel_contract() -> None:
    batch = photos()
    torch.testing.assert_close(applied(augment.recipe("none"), batch), (batch.float() - 128) / 128, atol=0, rtol=0)
    assert applied(augment.recipe("default"), batch).is_contiguous(memory_format=torch.channels_last)


def test_flips_and_shifts_are_exact() -> None:
    batch = photos()
    values = (batch.float() - 128) / 128
    flipped = applied(augment.Recipe(flip=Flip(1.0, 1.0)), batch)
    torch.testing.assert_close(flipped, values.flip(2, 3), atol=1e-4, rtol=0)
    moved = applied(augment.Recipe(shift=Shift(0.125)), batch)  # three pixels of 24
    # the edge pixel comes twice
    mirrored = torch.cat((values.flip(2), values, values.flip(2)), dim=2)
    mirrored = torch.cat((mirrored.flip(3), mirrored, mirrored.flip(3)), dim=3)
    for i in range(len(batch)):
        found = [
            (y, x)
            for y in range(-3, 4)
            for x in range(-3, 4)
            if torch.allclose(mirrored[i, :, 24 + y : 48 + y, 32 + x : 64 + x], moved[i], atol=1e-4)
        ]
        assert len(found) == 1, f"sample {i} is no whole-pixel move"


def test_a_rotation_is_opencvs() -> None:
    batch = photos(6)
    config = Turn(degrees=40, zoom=0.2)
    turned = applied(augment.Recipe(turn=config), batch)
    angle, zoom, _ = (Draws.of(3, 0, torch.arange(6)).uniforms("turn", 3) * 2 - 1).unbind(1)
    for i in range(6):
        scale = float(torch.exp(zoom[i] * np.log1p(0.2)))
        matrix = cv2.getRotationMatrix2D((15.5, 11.5), float(angle[i]) * 40, scale)
        image = batch[i].permute(1, 2, 0).float().numpy()
        expected = cv2.warpAffine(image, matrix, (32, 24), flags=cv2.INTER_LINEAR)
        ours = (turned[i].permute(1, 2, 0) * 128 + 128).numpy()
        assert np.abs(ours - expected)[9:15, 12:20].max() < 6  # OpenCV's own coordinates are fixed-point


def test_perspective_leaves_straight_lines_straight() -> None:
    ramp = torch.linspace(0, 255, 32).round().to(torch.uint8).expand(4, 1, 32, 32)
    seen = applied(augment.Recipe(perspective=Perspective(0.3, 1.0)), ramp)
    middle = seen[:, 0, 8:24, 8:24]
    assert not torch.allclose(middle, (ramp[:, 0, 8:24, 8:24].float() - 128) / 128, atol=0.02)
    # a ramp stays monotonous along rows under any tilt this weak
    assert (middle.diff(dim=2) > -1e-3).all()


def test_colour_changes_are_what_they_are_called() -> None:
    batch = photos(64)
    gray = applied(augment.Recipe(colour=Colour(0, 0, 0, gray=1.0)), batch)
    assert float((gray - gray.mean(1, keepdim=True)).abs().max()) < 1e-5
    hue = applied(augment.Recipe(colour=Colour(0, 0, 0, hue_degrees=90)), (batch.float() * 0.2 + 100).to(torch.uint8))
    before = (batch.float() * 0.2 + 100).to(torch.uint8).float() / 128 - 1
    torch.testing.assert_close(hue.mean(1), before.mean(1), atol=1e-5, rtol=0)  # turned about gray
    one = torch.full((64, 1, 4, 4), 64, dtype=torch.uint8)
    bright = (applied(augment.Recipe(colour=Colour(0.5, 0, 0)), one) + 1) * 128
    assert float(bright.min()) >= 32 and float(bright.max()) <= 96
    assert float(bright.std()) > 10


def test_targets_follow_the_pixels() -> None:
    black, white = torch.zeros(1, 1, 16, 16, dtype=torch.uint8), torch.full((1, 1, 16, 16), 255, dtype=torch.uint8)
    batch = torch.cat((black, white)).repeat(32, 1, 1, 1)
    targets = torch.tensor([0, 1]).repeat(32)
    for recipe in (augment.Recipe(cutmix=Cutmix(1.0)), augment.Recipe(mixup=Mixup(1.0, 1.0))):
        images, soft = augment.apply(recipe, batch, targets, seed=0, epoch=0, samples=torch.arange(64), classes=3)
        assert soft.shape == (64, 3)
        torch.testing.assert_close(soft.sum(1), torch.ones(64))
        torch.testing.assert_close(images.mean((1, 2, 3)), soft[:, 1] * (255 / 128) - 1, atol=1e-5, rtol=0)
        assert ((soft[:, 1] > 0.05) & (soft[:, 1] < 0.95)).any()


def test_an_odd_batch_and_a_batch_of_one_mix() -> None:
    for count in (1, 3):
        images, soft = augment.apply(
            augment.recipe("best"),
            photos(count),
            torch.zeros(count, dtype=torch.int64),
            seed=0,
            epoch=0,
            samples=torch.arange(count),
            classes=2,
        )
        assert images.shape[0] == count
        torch.testing.assert_close(soft[:, 0], torch.ones(count))


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 3.0])
def test_mixup_draws_beta(alpha: float) -> None:
    kept = mixup.share(Mixup(1.0, alpha), Draws.of(0, 0, torch.arange(40000))).flatten()
    assert abs(float(kept.mean()) - 0.5) < 0.01
    assert abs(float(kept.var()) - 1 / (4 * (2 * alpha + 1))) < 0.004


def test_erasing_leaves_the_rest_alone() -> None:
    batch = photos(200)
    recipe = augment.Recipe(erasing=augment.recipe("default").erasing)
    changed = (applied(recipe, batch) - (batch.float() - 128) / 128).abs().amax(1) > 1e-6
    share = changed.float().mean((1, 2))
    hit = share > 0
    assert 0.08 < float(hit.float().mean()) < 0.24  # .15 asked for
    assert float(share[hit].max()) < 0.14


def test_jpeg_is_as_far_from_the_picture_as_opencvs() -> None:
    batch = photos(6, height=40, width=56)
    quality = torch.tensor([15.0, 30, 50, 60, 75, 90])
    ours = (through_jpeg((batch.float() - 128) / 128, quality) * 128 + 128).clamp(0, 255)
    for i in range(6):
        image = np.ascontiguousarray(batch[i].permute(1, 2, 0).numpy()[..., ::-1])
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(quality[i])])[1]
        theirs = torch.from_numpy(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].copy()).permute(2, 0, 1).float()
        error = (theirs - batch[i].float()).square().mean().sqrt()
        assert float((ours[i] - theirs).square().mean().sqrt()) < 0.5 * float(error) + 0.8


@pytest.mark.parametrize("fault", Camera.__dataclass_fields__)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_fault_of_the_camera_alone(fault: str, channels: int) -> None:
    alone = Camera(**{fault: replace(getattr(WEBCAM, fault), probability=1.0)})
    images = (photos(6, channels, 20, 28).float() - 128) / 128
    draws = Draws.of(0, 0, torch.arange(6))
    seen = shoot(images, alone, draws)
    assert seen.shape == images.shape and bool(torch.isfinite(seen).all())
    changed = (seen - images).abs().mean((1, 2, 3))
    if fault == "white_balance" and channels == 1:
        assert float(changed.max()) == 0
    else:
        assert float(changed.min()) > 1e-4
    torch.testing.assert_close(shoot(images[2:3], alone, draws.rows(torch.tensor([2]))), seen[2:3], atol=2e-6, rtol=0)


def test_blur_keeps_the_light_and_loses_the_detail() -> None:
    spot = torch.full((8, 1, 33, 33), -1.0)
    spot[:, :, 16, 16] = 1.0
    for fault in ("defocus", "motion_blur"):
        alone = Camera(**{fault: replace(getattr(WEBCAM, fault), probability=1.0)})
        seen = shoot(spot, alone, Draws.of(0, 0, torch.arange(8)))
        torch.testing.assert_close((seen + 1).sum((1, 2, 3)), torch.full((8,), 2.0), atol=1e-3, rtol=0)
        assert float(seen.amax()) < 1.0


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (17, 40)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["default+camera", "best+camera"])
def test_any_size_comes_out_as_it_went_in(size: tuple[int, int], channels: int, name: str) -> None:
    batch = torch.randint(0, 256, (64, channels, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = applied(augment.recipe(name), batch)
    assert images.shape == batch.shape
    assert images.dtype == torch.float32
    assert float(images.min()) >= -1
    assert float(images.max()) <= 127 / 128
    black = applied(augment.recipe(name), torch.zeros_like(batch))
    assert bool(torch.isfinite(black).all())


def test_recipes_survive_json() -> None:
    for name in (*augment.RECIPES, "best+camera"):
        recipe = augment.recipe(name)
        again = augment.recipe_from_json(json.loads(json.dumps(augment.recipe_to_json(recipe))))
        assert again == recipe
    sided = augment.recipe("default", mirror=False, sided=True)
    assert sided.sided and augment.recipe_from_json(augment.recipe_to_json(sided)) == sided
    with pytest.raises(UsageError, match=r"augmentation\.sided: is 1"):
        augment.recipe_from_json({"sided": 1})
    with pytest.raises(UsageError, match=r"augmentation\.flip: has no 'horizontl'"):
        augment.recipe_from_json({"flip": {"horizontl": 1}})
    with pytest.raises(UsageError, match=r"augmentation\.turn\.degrees"):
        augment.recipe_from_json({"turn": {"degrees": "far"}})
    with pytest.raises(UsageError, match="--augment bst: there are none, quick, default, photos, best"):
        augment.recipe("bst")


def test_digits_are_not_mirrored() -> None:
    assert not augment.mirror_is_safe([str(i) for i in range(10)])
    assert not augment.mirror_is_safe(["turn_left", "turn_right", "stop"])
    assert augment.mirror_is_safe(["cat", "dog", "cleft palate", "bright"])
    assert augment.recipe("best", mirror=False).flip is None


def test_the_sheet_shows_every_picture_and_its_class(tmp_path) -> None:
    path = tmp_path / "sheet.png"
    write_sheet(path, [augment.normalised(photos(3))] * 9, ["a", "Blüte", "c"])
    sheet = cv2.imread(str(path))
    assert sheet.shape == (3 * (72 + 4 + 18), 9 * (96 + 4), 3)
    first = sheet[18 : 18 + 72, :96, ::-1].astype(int)
    original = cv2.resize(photos(3)[0].permute(1, 2, 0).numpy(), (96, 72), interpolation=cv2.INTER_NEAREST).astype(int)
    assert np.abs(first - original).max() == 0
