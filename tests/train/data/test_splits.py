"""Splits: stratified, by group, stable under growth, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError, UsageError
from edgelens.train.data.groups import groups_from_file, groups_from_pattern
from edgelens.train.data.splits import SplitConfig, assign, folds


def image_set(labels, splits=None, names=None):
    labels = np.asarray(labels, np.int32)
    names = names or [f"c{label}/{i:05d}.jpg" for i, label in enumerate(labels)]
    splits = np.array(splits if splits is not None else [""] * len(labels))
    return ImageSet("somewhere", "folders", tuple(f"c{c}" for c in range(labels.max() + 1)), labels, splits, names)


def test_every_class_gives_its_share():
    images = image_set(np.repeat([0, 1, 2], [100, 40, 20]))
    splits = assign(images, SplitConfig(val=0.2, test=0.1, seed=5))
    for label, count in ((0, 100), (1, 40), (2, 20)):
        mine = splits[images.labels == label]
        assert (mine == "test").sum() == count * 0.1
        assert (mine == "val").sum() == round(count * 0.9 * 0.2)


def test_the_seed_decides_and_the_order_on_disk_does_not():
    images = image_set(np.repeat([0, 1], 50))
    splits = assign(images, SplitConfig(seed=1))
    assert (assign(images, SplitConfig(seed=1)) == splits).all()
    assert (assign(images, SplitConfig(seed=2)) != splits).any()
    mixed = np.random.default_rng(0).permutation(100)
    assert (assign(images.select(mixed), SplitConfig(seed=1)) == splits[mixed]).all()


def test_new_images_leave_most_of_the_split_alone():
    small, grown = image_set(np.zeros(200, int)), image_set(np.zeros(210, int))
    before, after = assign(small, SplitConfig()), assign(grown, SplitConfig())
    assert (before != after[:200]).mean() < 0.03


def test_splits_of_the_data_stay_and_val_comes_from_train_only():
    images = image_set(np.tile([0, 1], 60), ["train"] * 80 + ["test"] * 40)
    splits = assign(images, SplitConfig(val=0.25, test=0.5))
    assert (splits[80:] == "test").all()
    assert (splits[:80] == "test").sum() == 0
    assert (splits[:80] == "val").sum() == 20


def test_a_rare_class_keeps_its_images():
    splits = assign(image_set([0] * 50 + [1] + [2] * 2 + [3] * 3), SplitConfig(val=0.15))
    assert splits[50:53].tolist() == ["train"] * 3
    assert (splits[53:] == "val").sum() == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_group_stays_on_one_side_and_classes_stay_even(seed):
    rng = np.random.default_rng(seed)
    people = rng.integers(0, 40, 800)
    images = image_set(rng.integers(0, 4, 800))
    groups = [f"p{p}" for p in people]
    splits = assign(images, SplitConfig(val=0.2, test=0.1, seed=seed), groups)
    for person in range(40):
        assert len(set(splits[people == person])) == 1
    assert 0.14 < (splits == "val").mean() < 0.22
    for label in range(4):
        assert 0.1 < (splits[images.labels == label] == "val").mean() < 0.28


def test_folds_cover_everything_once_with_every_class_in_each():
    labels = np.repeat(np.arange(3), [100, 53, 22]).astype(np.int32)
    names = [f"{i}" for i in range(len(labels))]
    fold = folds(labels, names, 5, seed=0)
    for label, count in ((0, 100), (1, 53), (2, 22)):
        each = np.bincount(fold[labels == label], minlength=5)
        assert each.max() - each.min() <= 1
        assert each.sum() == count
    images = image_set(labels, names=names)
    validated = [assign(images, SplitConfig(folds=5, fold=k)) == "val" for k in range(5)]
    assert (np.sum(validated, axis=0) == 1).all()


def test_folds_by_group():
    rng = np.random.default_rng(1)
    people, labels = rng.integers(0, 60, 1600), rng.integers(0, 10, 1600).astype(np.int32)
    fold = folds(labels, [str(p) for p in people], 5, seed=0)
    assert all(len(set(fold[people == p])) == 1 for p in range(60))
    assert np.bincount(fold).min() > 260
    with pytest.raises(DataError, match="60 groups"):
        folds(labels, [str(p) for p in people], 61, seed=0)


def test_only_test_images_cannot_be_trained_on():
    with pytest.raises(DataError, match="nothing to train on"):
        assign(image_set([0, 1], ["test", "test"]), SplitConfig())


@pytest.mark.parametrize("wrong", [{"val": 1.0}, {"val": -0.1}, {"folds": 1}, {"folds": 3, "fold": 3}])
def test_shares_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError):
        SplitConfig(**wrong)


def test_groups_from_a_pattern():
    names = ["cat/anna_1.jpg", "cat/anna_2.jpg", "dog/ben_1.jpg"]
    assert groups_from_pattern(names, r"/(\w+)_") == ["anna", "anna", "ben"]
    assert groups_from_pattern(names, r"\w+_") == ["anna_", "anna_", "ben_"]
    with pytest.raises(DataError, match=r"fits 2 of 3 paths, not 'dog/ben_1.jpg'"):
        groups_from_pattern(names, "anna")
    with pytest.raises(UsageError, match="no regular expression"):
        groups_from_pattern(names, "(")


def test_groups_from_a_file_written_with_other_folders_before(tmp_path):
    file = tmp_path / "groups.csv"
    file.write_text("path,group\n/old/place/cat/1.jpg,anna\n./dog/1.jpg,ben\n")
    assert groups_from_file(["cat/1.jpg", "dog/1.jpg"], file) == ["anna", "ben"]
    with pytest.raises(DataError, match="no group for 1 of 2 images"):
        groups_from_file(["cat/1.jpg", "dog/2.jpg"], file)
    file.write_text("cat/1.jpg\n")
    with pytest.raises(DataError, match="row 1"):
        groups_from_file(["cat/1.jpg"], file)


@pytest.mark.parametrize("images", [3, 4, 6])
def test_a_large_share_leaves_some_of_every_class_to_learn_from(images):
    splits = assign(image_set([0] * images + [1] * 40), SplitConfig(val=0.9))
    assert (splits[:images] == "train").sum() == 1
