"""Schedules, losses and the average are what their names say."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from edgelens.train.batches import epoch_batches
from edgelens.train.optimize.average import Average
from edgelens.train.optimize.schedules import SCHEDULES, factor
from edgelens.train.tasks.classify.losses import LOSSES, distillation_loss, loss_by_name, smoothed


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_stay_within_bounds_and_warm_up(name: str) -> None:
    values = [factor(name, step, 100, 10) for step in range(100)]
    assert values[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert all(0 <= value <= 1 for value in values)


def test_a_training_of_one_epoch_warms_up_for_a_part_of_it() -> None:
    short = [factor("cosine", step, 8, 8) for step in range(8)]
    assert short[:3] == [0.5, 1.0, 1.0] and short[-1] < 0.1
    assert [factor("cosine", step, 40, 10) for step in range(10)] == [(step + 1) / 10 for step in range(10)]
    assert factor("constant", 0, 1, 1) == 1.0


def test_schedules_have_their_shapes() -> None:
    assert {factor("constant", s, 50) for s in range(50)} == {1.0}
    assert [factor("step", s, 100) for s in (0, 49, 50, 74, 75, 99)] == [1, 1, 0.1, 0.1, 0.01, 0.01]
    assert factor("cosine", 50, 100) == pytest.approx(0.5)
    assert factor("cosine", 99, 100) < 0.001
    cycle = [factor("one-cycle", s, 100) for s in range(100)]
    assert max(cycle) == pytest.approx(1.0, abs=0.01)
    assert cycle.index(max(cycle)) == 30
    assert cycle[0] < 0.05
    assert cycle[-1] < 0.01


def test_losses_agree_with_torch_on_hard_labels() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(16, 5), torch.randint(5, (16,))
    hot = F.one_hot(labels, 5).float()
    assert torch.allclose(LOSSES["cross-entropy"](logits, hot), F.cross_entropy(logits, labels, reduction="none"))
    smooth = LOSSES["cross-entropy"](logits, smoothed(hot, 0.1))
    assert torch.allclose(smooth, F.cross_entropy(logits, labels, reduction="none", label_smoothing=0.1), atol=1e-6)
    assert torch.allclose(LOSSES["squared"](logits, hot), (logits.softmax(1) - hot).square().sum(1))
    by_hand = F.binary_cross_entropy(logits.sigmoid(), hot, reduction="none").sum(1)
    assert torch.allclose(LOSSES["bce"](logits, hot), by_hand, atol=1e-5)
    assert torch.allclose(loss_by_name("focal", 0.0)(logits, hot), LOSSES["cross-entropy"](logits, hot))
    p = logits.softmax(1)[torch.arange(16), labels]
    assert torch.allclose(loss_by_name("focal", 2.0)(logits, hot), -((1 - p) ** 2) * p.log(), atol=1e-5)


def test_distillation_is_nothing_between_equals_and_keeps_its_gradient_scale() -> None:
    torch.manual_seed(0)
    teacher = torch.randn(8, 5)
    assert torch.allclose(distillation_loss(teacher, teacher), torch.zeros(8), atol=1e-5)
    norms = []
    for temperature in (4.0, 20.0):
        student = torch.zeros(8, 5, requires_grad=True)
        distillation_loss(student, teacher, temperature).sum().backward()
        assert student.grad is not None
        norms.append(float(student.grad.norm()))
    assert norms[0] == pytest.approx(norms[1], rel=0.3)


def followed_for_long() -> tuple[torch.nn.Sequential, Average, torch.Tensor]:
    """A network that has moved by one, its average after 300 steps, and the weight that it had before."""
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    average = Average(network, 0.9, halfway=True)
    start = average.network[0].weight.clone()
    with torch.no_grad():
        network[0].weight.add_(1.0)
        network[1].running_mean.add_(1.0)
    for _ in range(300):
        average.update(network)
    return network, average, start


def test_the_average_follows_slowly_and_carries_statistics() -> None:
    network, average, start = followed_for_long()
    assert torch.allclose(average.network[0].weight, start + 1, atol=1e-4)
    assert torch.allclose(average.network[1].running_mean, torch.ones(2), atol=1e-4)
    before = average.network[0].weight.clone()
    with torch.no_grad():
        network[0].weight.add_(1.0)
    average.update(network)
    assert torch.allclose(average.network[0].weight - before, torch.full((2, 2), 0.1), atol=1e-3)


def test_halfway_lies_between_the_start_and_the_average_which_stays_where_it_is() -> None:
    _, average, start = followed_for_long()
    between = average.halfway()
    assert torch.allclose(between[0].weight, start + 0.5, atol=1e-4)  # type: ignore[index]
    assert torch.allclose(between[1].running_mean, torch.full((2,), 0.5), atol=1e-4)  # type: ignore[index]
    assert torch.allclose(average.network[0].weight, start + 1, atol=1e-4)


def test_an_epoch_visits_every_row_once_in_an_order_of_its_own() -> None:
    first, second = epoch_batches(103, 10, 0, 0), epoch_batches(103, 10, 0, 1)
    assert sorted(row for batch in first for row in batch) == list(range(103))
    assert {len(batch) for batch in first} <= {10, 11}
    assert [list(b) for b in first] != [list(b) for b in second]
    assert [list(b) for b in first] == [list(b) for b in epoch_batches(103, 10, 0, 0)]


def test_balanced_epochs_give_every_class_alike_and_every_draw_its_own_key() -> None:
    import numpy as np

    labels = np.array([0] * 90 + [1] * 10)
    draws = np.concatenate(epoch_batches(100, 10, 0, 0, labels))
    assert np.bincount(labels[draws % 100]).tolist() == [50, 50]
    assert len(set(draws.tolist())) == 100
    assert math.isclose(len(draws), 100)
