"""A repair with one seed gives one network, whatever the clocks say and whatever was drawn before it."""

import dataclasses

import pytest
import torch

from edgelens.compress.learn.finetune import FineTune, finetune
from edgelens.compress.learn.lesson import lesson_of
from edgelens.compress.learn.pictures import pictures_of


@pytest.fixture(scope="module")
def lesson(run):
    return lesson_of(run, pictures_of(run.split("train"), run.pixels), run.pixels)


def repaired(run, lesson, **options):
    """The weights after a short repair that compares features, too."""
    student = finetune(run.model().train(), run.model(), lesson, FineTune(epochs=0.2, features=1.0, **options))
    return student.state_dict()


def same(one, other):
    return all(torch.equal(values, other[name]) for name, values in one.items())


@pytest.mark.parametrize("mode", ["float32", "channels-last", "bfloat16"])
def test_a_repair_is_done_in_its_trainings_mode(run, mode):
    environment = {**run.facts.environment, "precision": mode}
    trained = dataclasses.replace(run, facts=dataclasses.replace(run.facts, environment=environment))
    lesson = lesson_of(trained, pictures_of(run.split("train"), run.pixels), run.pixels).first(128)
    assert same(repaired(run, lesson), repaired(run, lesson, precision=mode))


def test_what_was_drawn_before_changes_nothing_and_the_seed_does(run, lesson):
    torch.manual_seed(1)
    first = repaired(run, lesson.first(128), precision="float32")
    torch.manual_seed(2)
    assert same(first, repaired(run, lesson.first(128), precision="float32"))
    assert not same(first, repaired(run, lesson.first(128), precision="float32", seed=3))
