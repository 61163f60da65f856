"""The check before training: what is planted in a data set is found, and nothing else."""

from __future__ import annotations

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from edgelens.runtime.preprocess import PixelContract
from edgelens.train.data.check_table import check_table
from edgelens.train.data.config import DataConfig
from edgelens.train.data.prepare import prepare


def photo(seed, height=120, width=160):
    small = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def photos(tmp_path):
    """Two classes in three splits, no picture like another."""
    seed = 0
    for split, count in (("train", 30), ("val", 10), ("test", 10)):
        for label in ("cat", "dog"):
            folder = tmp_path / "photos" / split / label
            folder.mkdir(parents=True)
            for i in range(count):
                cv2.imwrite(str(folder / f"{i}.jpg"), photo(seed))
                seed += 1
    return tmp_path / "photos"


def checked(photos, side=32, **options):
    cache = photos.parent / "cache"
    return prepare(DataConfig(str(photos), cache=str(cache), **options), PixelContract(side, side)).check


def test_classes_that_are_in_one_split_are_counted_once(photos):
    assert check_table(checked(photos))[0].endswith("2 classes, 10 to 30 images a class and split")
    for split, other in (("train", "dog"), ("val", "cat")):
        shutil.rmtree(photos / split / other)
    shutil.rmtree(photos / "test")
    assert check_table(checked(photos))[0].endswith("2 classes, 10 to 30 images a class")


def test_a_sound_set_raises_nothing(photos):
    check = checked(photos)
    assert check.counts == {
        "train": {"cat": 30, "dog": 30},
        "val": {"cat": 10, "dog": 10},
        "test": {"cat": 10, "dog": 10},
    }
    for found in (
        check.exact,
        check.near,
        check.tiny,
        check.odd,
        check.blank,
        check.once,
        check.alike,
        check.unreadable,
    ):
        assert found == ()
    assert check.leaks == check.conflicts == ()
    assert check.imbalance == 1.0


@pytest.mark.parametrize(
    ("resize", "named"), [("crop", ["narrow", "small"]), ("letterbox", ["small"]), ("stretch", ["small"])]
)
def test_only_what_is_enlarged_is_much_too_small(photos, resize, named):
    cv2.imwrite(str(photos / "train/cat/narrow.png"), photo(900, 80, 14))
    cv2.imwrite(str(photos / "train/cat/small.png"), photo(901, 15, 14))
    data = DataConfig(str(photos), cache=str(photos.parent / "cache"))
    check = prepare(data, PixelContract(32, 32, resize=resize)).check
    assert list(check.tiny) == [f"train/cat/{name}.png" for name in named]


def test_copies_leaks_and_conflicts_are_told_apart(photos):
    shutil.copy(photos / "train/cat/3.jpg", photos / "train/cat/copy.jpg")
    shutil.copy(photos / "train/cat/4.jpg", photos / "test/cat/leak.jpg")
    shutil.copy(photos / "train/cat/5.jpg", photos / "train/dog/wrong.jpg")
    check = checked(photos)
    assert {frozenset(pair.names) for pair in check.exact} == {
        frozenset(("train/cat/3.jpg", "train/cat/copy.jpg")),
        frozenset(("train/cat/4.jpg", "test/cat/leak.jpg")),
        frozenset(("train/cat/5.jpg", "train/dog/wrong.jpg")),
    }
    assert [set(pair.splits) for pair in check.leaks] == [{"train", "test"}]
    assert [set(pair.labels) for pair in check.conflicts] == [{"cat", "dog"}]
    assert check.near == ()


@pytest.mark.parametrize("change", ["saved again", "half", "brighter", "noise"])
def test_a_picture_that_was_changed_a_little_is_a_leak(photos, change):
    image = cv2.imread(str(photos / "train/dog/7.jpg"))
    target = str(photos / "val/dog/again.jpg")
    if change == "saved again":
        cv2.imwrite(target, image, [cv2.IMWRITE_JPEG_QUALITY, 40])
    elif change == "half":
        cv2.imwrite(target, cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    elif change == "brighter":
        cv2.imwrite(target, cv2.convertScaleAbs(image, alpha=1.05, beta=5))
    else:
        noise = np.random.default_rng(0).normal(0, 5, image.shape)
        cv2.imwrite(target, np.clip(image + noise, 0, 255).astype(np.uint8))
    check = checked(photos)
    assert [set(pair.names) for pair in check.leaks] == [{"train/dog/7.jpg", "val/dog/again.jpg"}]


def test_nearly_the_same_picture_in_two_classes_is_labelled_differently(photos):
    image = cv2.imread(str(photos / "train/dog/7.jpg"))
    cv2.imwrite(str(photos / "train/cat/again.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 40])
    check = checked(photos)
    assert [set(pair.labels) for pair in check.conflicts] == [{"cat", "dog"}]
    said = [line for line in check_table(check) if "again.jpg" in line]
    assert len(said) == 1 and said[0].startswith("  nearly identical, labelled differently")
    assert replace(check, things="boxes").conflicts == ()  # whose label is one of many


def test_the_first_four_of_a_kind_are_named(photos):
    for i in range(2):
        (photos / f"train/cat/broken{i}.jpg").write_bytes(b"none")
    said = next(line for line in check_table(checked(photos)) if "unreadable" in line)
    assert "broken0.jpg" in said and "broken1.jpg" in said and "…" not in said  # of the same bytes, too
    for i in range(5):
        cv2.imwrite(str(photos / f"train/cat/tiny{i}.png"), photo(900 + i, 9, 12))
    said = next(line for line in check_table(checked(photos)) if "much too small" in line)
    assert "tiny3.png" in said and "tiny4.png" not in said and said.endswith("; …")


def test_blank_tiny_odd_and_rare(photos):
    for name, image in (
        ("black", np.zeros((120, 160, 3), np.uint8)),
        ("tiny", photo(900, 9, 12)),
        ("long", photo(901, 60, 400)),
    ):
        cv2.imwrite(str(photos / "train/cat" / f"{name}.png"), image)
    (photos / "train/Cat ").mkdir()
    cv2.imwrite(str(photos / "train/Cat /only.png"), photo(902))
    check = checked(photos)
    assert check.blank == ("train/cat/black.png",)
    assert check.tiny == ("train/cat/tiny.png",)
    assert check.odd == ("train/cat/long.png",)
    assert check.once == ("Cat ",)
    assert check.alike == (("Cat ", "cat"),)
    assert check.imbalance == 33


def test_what_all_pictures_are_like_is_not_unusual(tmp_path):
    for number in range(8):
        place = tmp_path / "lines" / "ab"[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place), photo(number, 30, 140))
    cv2.imwrite(str(tmp_path / "lines" / "a" / "long.png"), photo(9, 20, 500))
    assert checked(tmp_path / "lines").odd == ("a/long.png",)


def test_digits_that_resemble_each_other_are_no_duplicates(shared_data, tmp_path):
    config = DataConfig(str(shared_data / "mnist"), cache=str(tmp_path))
    check = prepare(config, PixelContract(28, 28, "gray")).check
    assert check.exact == ()
    assert len(check.near) < 10


def test_texts_are_counted_without_classes(photos):
    check = replace(checked(photos), counts={"train": {"text": 5}, "val": {"text": 2}}, pictures={"train": 5, "val": 2})
    assert check_table(check)[0] == "data: 5 train, 2 val"
