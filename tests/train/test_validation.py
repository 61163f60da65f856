"""Which network of a training is taken: of few photos those decide by how likely each right answer was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from edgelens.train.augment import recipe
from edgelens.train.batches import Batches
from edgelens.train.config import TrainConfig
from edgelens.train.data.targets import DenseTargets
from edgelens.train.honest.ranking import ranked_by
from edgelens.train.ingredients import Ingredients
from edgelens.train.runs.checkpoint import Candidate, State
from edgelens.train.tasks.catalog import make_task
from edgelens.train.validation import first_figures, is_best, told_by_loss

TASK = make_task(TrainConfig("", "", model="linear"), ("a", "b"), (50, 50))


def judged_by(count: int) -> Ingredients:
    """A training that so many pictures of the first class judge."""
    pixels = torch.zeros(count, 1, 1, 3, dtype=torch.uint8)
    learned, val = (Batches(pixels, DenseTargets(torch.zeros(count, dtype=torch.int64))) for _ in range(2))
    return Ingredients(TASK, recipe("none"), learned, val)


def logits(count: int, right: int, sure: float) -> torch.Tensor:
    """Answers of which so many are right, all as sure as the others."""
    signs = torch.where(torch.arange(count) < right, 1.0, -1.0)
    return torch.stack([signs * sure, torch.zeros(count)], 1)


def after_a_head(answers: torch.Tensor) -> State:
    """A training before its first epoch, whose head answered so."""
    network = nn.Linear(1, 1)
    state = State(network, torch.optim.SGD(network.parameters()), best_epoch=0)
    state.best = float((answers.argmax(1) == 0).float().mean())
    state.candidates.append(Candidate(0, {"logits": answers}))
    return state


def row(answers: torch.Tensor) -> dict[str, float]:
    loss = F.cross_entropy(answers, torch.zeros(len(answers), dtype=torch.int64))
    return {"val_accuracy": float((answers.argmax(1) == 0).float().mean()), "val_loss": float(loss)}


def test_of_few_photos_one_more_that_is_right_takes_no_network_that_is_less_likely_right() -> None:
    state, made_of = after_a_head(logits(45, 36, 1.0)), judged_by(45)
    lucky, better = logits(45, 37, 3.0), logits(45, 36, 1.2)
    assert told_by_loss(state, made_of)
    assert first_figures(state, made_of)["loss"] == pytest.approx(row(logits(45, 36, 1.0))["val_loss"])
    assert row(lucky)["val_loss"] > first_figures(state, made_of)["loss"] > row(better)["val_loss"]
    assert not is_best(row(lucky), state, made_of)
    assert is_best(row(better), state, made_of)
    fewer = {"val_accuracy": 35 / 45, "val_loss": 0.5 * row(better)["val_loss"]}
    assert not is_best(fewer, state, made_of)
    state.history.append(row(better))
    state.best, state.best_epoch = state.history[0]["val_accuracy"], 1
    assert not is_best(row(lucky), state, made_of)  # nor in place of an epoch
    assert not is_best(row(better), state, made_of)


def test_many_photos_tell_by_right_and_wrong() -> None:
    state, made_of = after_a_head(logits(500, 400, 1.0)), judged_by(500)
    assert is_best(row(logits(500, 411, 3.0)), state, made_of)
    assert not is_best(row(logits(500, 400, 1.2)), state, made_of)


def test_epochs_of_a_network_without_a_head_before_them_go_by_their_score() -> None:
    made_of, state = judged_by(45), after_a_head(logits(45, 36, 1.0))
    state.candidates.clear()
    state.best_epoch = -1
    assert is_best(row(logits(45, 30, 1.0)), state, made_of)
    state.history.append(row(logits(45, 30, 1.0)))
    state.best, state.best_epoch = state.history[0]["val_accuracy"], 1
    assert is_best(row(logits(45, 31, 9.0)), state, made_of)


def test_what_is_promised_is_chosen_by_the_same() -> None:
    head, likelier, lucky = ({"logits": logits(45, *each).numpy()} for each in ((36, 1.0), (36, 1.2), (37, 3.0)))
    fewer = {"logits": logits(45, 35, 1.2).numpy()}
    targets, rows = DenseTargets(torch.zeros(45, dtype=torch.int64)), np.arange(45)

    def best(first: dict[str, NDArray[np.float32]] | None) -> dict[str, NDArray[np.float32]]:
        return max((head, likelier, lucky, fewer), key=lambda each: ranked_by(TASK, targets, first)(each, rows))

    assert best(None) is lucky
    assert best(head) is likelier
