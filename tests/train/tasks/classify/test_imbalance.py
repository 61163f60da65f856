"""Remedies against imbalance do what they say, the automatic choice follows the counts, holes are trained against."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgelens.runtime.errors import UsageError
from edgelens.train.augment import recipe
from edgelens.train.augment.missing import against_missing
from edgelens.train.config import TrainConfig
from edgelens.train.data.balance import balanced_order
from edgelens.train.tasks.catalog import make_task
from edgelens.train.tasks.classify.imbalance import choose_remedy, class_weights


@pytest.mark.parametrize(
    ("counts", "method"),
    [([100, 110], "none"), ([100, 500], "weights"), ([5000, 60], "balanced"), ([5000, 9], "focal"), ([7, 0], "none")],
)
def test_auto_follows_the_counts_and_says_why(counts: list[int], method: str) -> None:
    remedy = choose_remedy(np.array(counts))
    assert remedy.method == method
    assert f"{max(counts):,} images" in remedy.why
    assert choose_remedy(np.array(counts), "focal").method == "focal"


def test_a_loss_that_was_asked_for_is_not_exchanged_for_another() -> None:
    remedy = choose_remedy(np.array([5000, 9]), own_loss=True)
    assert (remedy.method, remedy.told) == ("none", True)
    logits, targets = {"logits": torch.tensor([[3.0, 0.0]])}, torch.tensor([[0.0, 1.0]])
    asked = TrainConfig("", "", loss="squared")
    losses = [make_task(asked, ("a", "b"), counts).loss(logits, targets) for counts in ((200, 4), (10, 10))]
    assert torch.equal(*losses)
    assert make_task(asked, ("a", "b"), (200, 4)).notes() == (
        f"imbalance: {choose_remedy(np.array([200, 4]), own_loss=True).why}",
    )


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(UsageError, match="--imbalance magic: must be one of auto, none"):
        choose_remedy(np.array([1, 2]), "magic")


def test_weights_make_classes_equal_and_average_one() -> None:
    counts = np.array([100, 400, 25, 0])
    weights = class_weights(counts)
    assert np.ptp((weights * counts)[:3]) < 1e-3
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)
    assert weights[3] == 0


def test_a_balanced_epoch_has_every_class_equally_often() -> None:
    labels = np.repeat([0, 1, 2], [90, 8, 3])
    rows = balanced_order(labels, seed=1, epoch=0)
    assert len(rows) == len(labels)
    assert np.ptp(np.bincount(labels[rows])) <= 1
    rare = rows[labels[rows] == 1]
    assert np.ptp(np.unique(rare, return_counts=True)[1]) <= 1, "none twice before all once"
    np.testing.assert_array_equal(rows, balanced_order(labels, seed=1, epoch=0))
    assert not np.array_equal(rows, balanced_order(labels, seed=1, epoch=1))


def test_holes_bring_erasing_of_their_size() -> None:
    masks = np.zeros((10, 8, 8), bool)
    plain = recipe("quick")
    assert against_missing(plain, None) == (plain, "")
    assert against_missing(plain, masks)[0] == plain
    masks[:4, :4, :4] = True  # a quarter of the area in 4 of 10
    mended, line = against_missing(plain, masks)
    assert mended.erasing is not None
    assert mended.erasing.probability == pytest.approx(0.4)
    assert mended.erasing.area[1] == pytest.approx(0.25)
    assert line.startswith("4 of 10 images miss pixels (up to 25 %)")
