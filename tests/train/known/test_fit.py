"""What stands for learned pictures, and the limit that keeps right answers of tomorrow: from known pictures alone."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from edgelens.runtime.decode.known import known_from, known_to_bytes
from edgelens.train.known.fit import fit_known, representatives


def pictures(count: int, seed: int, width: int = 40, spread: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Features of four kinds, each around a direction of its own, and their classes."""
    draw, labels = np.random.default_rng(seed), np.arange(count) % 4
    middle = np.abs(np.random.default_rng(99).normal(size=(4, width))) + 1
    middle[np.arange(4), np.arange(4)] += 6
    return np.maximum(middle[labels] + draw.normal(size=(count, width)) * spread, 0).astype(np.float32), labels


def scores(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).beta(8, 1, count).astype(np.float32)


def test_of_each_class_the_middle_and_the_edges_stand_for_all() -> None:
    rows, labels = pictures(200, 0)
    chosen = representatives(rows, labels, 5)
    assert np.bincount(labels[chosen]).tolist() == [5] * 4
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    taken = (unit @ unit[chosen].T).max(1).mean()
    by_chance = [(unit @ unit[np.random.default_rng(s).permutation(200)[:20]].T).max(1).mean() for s in range(20)]
    assert taken > max(by_chance)
    assert representatives(rows[:6], labels[:6], 5).tolist() == [0, 1, 2, 3, 4, 5]


def test_the_limit_keeps_what_it_says_and_calls_other_things_unknown() -> None:
    kept, foreign = [], []
    for seed in range(10):
        rows, labels = pictures(400, seed)
        honest, _ = pictures(120, 1000 + seed)
        known = fit_known(rows, labels, honest, scores(120, seed), 0.95)
        assert known is not None
        later, sure = pictures(300, 2000 + seed)[0], scores(300, 500 + seed)
        kept += [known.familiarity(row, float(s)) >= 1 for row, s in zip(later, sure, strict=True)]
        others = np.abs(np.random.default_rng(seed).normal(size=(100, 40))).astype(np.float32)
        foreign += [known.familiarity(row, 0.99) >= 1 for row in others]
    assert 0.93 < np.mean(kept) < 0.97
    assert np.mean(foreign) < 0.01


def test_few_photos_suffice_to_call_what_is_far_from_all_unknown_however_sure_the_answer() -> None:
    """With 24 to 56 right answers the share alone has a floor above which the limit lies; the tail has none."""
    kept, taken, kept_before, taken_before = [], [], [], []
    for count, seed in itertools.product((24, 28, 39, 56), range(10)):
        rows, labels = pictures(count, seed, spread=0.8)
        groups = np.arange(count)
        known = fit_known(rows, labels, rows, scores(count, seed), 0.95, learned_groups=groups, honest_groups=groups)
        assert known is not None
        before = dataclasses.replace(known, tail=None)
        later, sure = pictures(100, 2000 + seed, spread=0.8)[0], scores(100, 500 + seed)
        far = np.abs(np.random.default_rng(seed).normal(size=(50, 40))).astype(np.float32)
        assert min(known.distance(row) for row in far) > known.distances[0]
        for weighed, keeps, takes in ((known, kept, taken), (before, kept_before, taken_before)):
            keeps += [weighed.familiarity(row, float(s)) >= 1 for row, s in zip(later, sure, strict=True)]
            takes += [weighed.familiarity(row, 1.0) >= 1 for row in far]
    assert np.mean(taken_before) > 0.2
    assert np.mean(taken) < 0.02
    assert np.mean(kept) >= np.mean(kept_before) > 0.93


def test_the_chance_of_a_distance_falls_without_a_leap() -> None:
    rows, labels = pictures(40, 0)
    known = fit_known(rows, labels, pictures(40, 1)[0], scores(40, 0), 0.95)
    assert known is not None
    assert known.tail is not None
    strangest = float(known.distances[0])
    unusual = [known.unusual_of(1.0, d) for d in np.linspace(0, 2 * strangest, 400)]
    assert (np.diff(unusual) >= 0).all()
    assert known.unusual_of(1.0, strangest + known.tail) == pytest.approx(
        known.unusual_of(1.0, strangest) + 1, abs=1e-3
    )
    assert np.isfinite(known.unusual_of(0.0, 2.0))
    alike = fit_known(rows, labels, np.repeat(rows[:1], 40, 0), scores(40, 0), 0.95)  # one photo forty times
    assert alike is not None
    assert alike.familiarity(rows[0], 1.0) > 1


def test_both_signs_count() -> None:
    rows, labels = pictures(400, 0)
    known = fit_known(rows, labels, pictures(200, 1)[0], scores(200, 0), 0.95)
    assert known is not None
    usual = rows[0]
    assert known.familiarity(usual, 0.95) > 1 > known.familiarity(usual, 0.2)
    assert known.familiarity(usual, 0.9) > known.familiarity(usual * 0 + 1, 0.9)


def test_a_picture_is_not_its_own_neighbour() -> None:
    """Judged by the very pictures that were learned: without their groups all would look familiar."""
    rows, labels = pictures(80, 0, spread=2.0)
    groups = np.arange(80)
    fair = fit_known(rows, labels, rows, scores(80, 0), 0.95, learned_groups=groups, honest_groups=groups)
    blind = fit_known(rows, labels, rows, scores(80, 0), 0.95)
    assert fair is not None
    assert blind is not None
    assert fair.distances.mean() > 1.2 * blind.distances.mean()


def test_few_right_answers_give_no_limit_and_none_no_class() -> None:
    rows, labels = pictures(30, 0)
    assert fit_known(rows, labels, rows[:12], scores(12, 0), 0.95) is None


def test_a_bundle_keeps_it_in_little_room() -> None:
    rows, labels = pictures(400, 0, width=1280)
    known = fit_known(rows, labels, pictures(200, 1, width=1280)[0], scores(200, 0), 0.95)
    assert known is not None
    data = known_to_bytes(known)
    assert len(data) < 160_000
    again = known_from(data, "known", 1280)
    assert again.tail == pytest.approx(known.tail)
    for row, score in zip(pictures(60, 3, width=1280)[0], scores(60, 1), strict=True):
        assert abs(again.distance(row) - known.distance(row)) < 1e-3
        assert abs(again.familiarity(row, float(score)) / known.familiarity(row, float(score)) - 1) < 0.1


def test_a_share_of_none_is_kept_by_the_strictest_limit_not_by_none() -> None:
    rows, labels = pictures(200, 0)
    honest, _ = pictures(99, 1)
    limits = [fit_known(rows, labels, honest, scores(99, 1), keep).limit for keep in (0, 0.01, 0.5, 0.55, 0.56)]
    assert limits == sorted(limits)
    assert limits[0] == limits[1], "one of a hundred answers to come is the least that a limit can say"
    between = [fit_known(rows, labels, honest, scores(99, 1), keep).limit for keep in (0.5499, 0.55)]
    assert between[0] == between[1], "0.55 of a hundred are 55, whatever float numbers make of it"
