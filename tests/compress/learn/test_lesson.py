"""A repair sees the pictures as its training did: whose loss compares pictures gets several of a kind a step."""

import dataclasses

import numpy as np
import pytest
from torch import nn

from edgelens.compress.learn.feature_maps import compared
from edgelens.compress.learn.lesson import lesson_of
from edgelens.compress.learn.pictures import pictures_of


def test_what_is_compared_comes_in_company(run) -> None:
    lesson = lesson_of(run, pictures_of(run.split("train"), run.pixels), run.pixels)
    kinds = lesson.pictures.labels.astype(np.int64)
    paired = dataclasses.replace(lesson, task=dataclasses.replace(lesson.task, together=2), balanced=kinds)
    draws = np.concatenate(paired.batches_of(0, 16, 0)) % len(kinds)
    alone = np.concatenate(dataclasses.replace(lesson, balanced=kinds).batches_of(0, 16, 0)) % len(kinds)

    def neighbours(order: np.ndarray) -> float:
        return float((kinds[order][1:] == kinds[order][:-1]).mean())

    assert neighbours(draws) > 0.45 > neighbours(alone)


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
