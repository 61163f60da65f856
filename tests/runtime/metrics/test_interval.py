"""Intervals around shares: what a few pictures can and cannot say."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.metrics.interval import paired_loss, percent, wilson


@pytest.mark.parametrize(
    "right, count, low, high",
    [(0, 10, 0, 0.2775), (8, 10, 0.4902, 0.9433), (15, 16, 0.7167, 0.9889), (10, 10, 0.7225, 1)],
)  # fmt: skip
def test_wilson_as_printed_in_tables(right: int, count: int, low: float, high: float) -> None:
    assert wilson(right / count, count) == pytest.approx((low, high), abs=2e-4)


def test_no_picture_says_nothing() -> None:
    assert wilson(0.0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("share, count", [(0.9, 20), (0.6, 80)])
def test_it_holds_the_truth_as_often_as_it_says(share: float, count: int) -> None:
    found = np.random.default_rng(0).binomial(count, share, 4000) / count
    held = [low <= share <= high for low, high in (wilson(each, count) for each in found)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)


def test_one_picture_of_sixteen_is_no_loss_and_sixty_of_a_thousand_are() -> None:
    before, after = np.ones(16, bool), np.arange(16) > 0
    low, high = paired_loss(before, after)
    assert low < 0 < high
    low, high = paired_loss(np.ones(1000, bool), np.arange(1000) >= 60)
    assert 0.04 < low < 0.06 < high < 0.08


def test_a_figure_says_how_sure_it_is() -> None:
    assert percent(0.9375, 16) == "93.8 % (71.7 to 98.9)"
    assert percent(0.9375, 1600) == "93.75 % (92.46 to 94.83)"
