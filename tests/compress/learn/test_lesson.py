"""A repair sees the pictures as its training did: whose loss compares pictures gets several of a kind a step."""

import dataclasses

import numpy as np
import pytest
from torch import nn

from edgelens.compress.learn.feature_maps import compared
from edgelens.compress.learn.lesson import lesson_of
from edgelens.compress.learn.pictures import pictures_of
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions


def test_what_is_compared_comes_in_company(run) -> None:
    lesson = lesson_of(run, pictures_of(run.split("train"), run.pixels), run.pixels)
    kinds = lesson.pictures.labels.astype(np.int64)
    paired = dataclasses.replace(lesson, task=dataclasses.replace(lesson.task, together=2), balanced=kinds)
    draws = np.concatenate(paired.batches_of(0, 16, 0)) % len(kinds)
    alone = np.concatenate(dataclasses.replace(lesson, balanced=kinds).batches_of(0, 16, 0)) % len(kinds)

    def neighbours(order: np.ndarray) -> float:
        return float((kinds[order][1:] == kinds[order][:-1]).mean())

    assert neighbours(draws) > 0.45 > neighbours(alone)


def test_large_pictures_come_a_few_at_a_time_for_gradients_keep_every_map(run) -> None:
    pictures = pictures_of(run.split("train"), run.pixels, most=100)
    large = dataclasses.replace(pictures, pixels=np.repeat(np.repeat(pictures.pixels, 16, 1), 16, 2))
    sizes = [len(inputs) for inputs, _ in lesson_of(run, pictures, run.pixels).plain(100)]
    assert (max(sizes), sum(sizes)) == (50, 100)
    batches = [inputs for inputs, _ in lesson_of(run, large, run.pixels).plain(40)]
    assert sum(len(inputs) for inputs in batches) == 40
    assert max(inputs[:, 0].numel() for inputs in batches) <= 2**20


@pytest.mark.parametrize(
    ("student", "teacher", "are_compared"),
    [
        ("lens-s", "gru", False),
        ("gru", "lens-s", False),
        ("vit-tiny", "gru", False),  # 64 patches and 32 rows
        ("lstm", "gru", True),
        ("cnn-small", "lens-s", True),
        ("reader", "crnn", False),
    ],
)
def test_maps_of_networks_of_different_kinds_are_not_compared(student: str, teacher: str, are_compared: bool) -> None:
    own, other = (
        build(name, ModelOptions(), channels=1, classes=5, size=(32, 32)).eval() for name in (student, teacher)
    )
    pictures = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 1), np.uint8)
    with compared(own, other, pictures) as maps:
        assert (maps is not None) == are_compared
        assert maps is None or float(maps.distance().detach()) > 0


def test_networks_that_were_compared_are_as_they_were(run) -> None:
    student, teacher = run.model(), run.model()
    pictures = pictures_of(run.split("train"), run.pixels).pixels[:2]
    with pytest.raises(KeyboardInterrupt), compared(student, teacher, pictures) as maps:
        assert maps is not None
        assert float(maps.distance()) < 1e-6
        raise KeyboardInterrupt
    assert "forward_features" not in vars(student)
    assert "forward_features" not in vars(teacher)
    with compared(nn.Linear(2, 2), teacher, pictures) as none:
        assert none is None
