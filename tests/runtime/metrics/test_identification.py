"""Figures of embeddings, held against what can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.metrics.identification import accepts_of, identification, in_one_space, recognized, unit_rows


def people(count: int, each: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = np.repeat(rng.normal(size=(count, 32)), each, axis=0) + noise * rng.normal(size=(count * each, 32))
    return unit_rows(rows.astype(np.float32)), np.repeat(np.arange(count), each)


def test_identities_that_lie_apart_are_all_recognized() -> None:
    found = identification(*people(6, 7, 0.05))
    assert found.rank1 == {1: 1.0, 3: 1.0, 5: 1.0} and found.rank5[1] == 1.0
    assert found.equal_error == 0 and found.false_rejects == {0.01: 0.0, 0.001: 0.0}
    assert found.mean_precision == 1.0 and (found.pictures, found.identities) == (42, 6)


def test_what_tells_nothing_apart_is_chance() -> None:
    rng = np.random.default_rng(0)
    rows, ids = unit_rows(rng.normal(size=(400, 32)).astype(np.float32)), np.repeat(np.arange(20), 20)
    found = identification(rows, ids)
    assert found.rank1[1] == pytest.approx(1 / 20, abs=0.03)
    assert found.rank5[1] == pytest.approx(5 / 20, abs=0.05)
    assert found.equal_error == pytest.approx(0.5, abs=0.03)
    assert found.false_rejects[0.01] == pytest.approx(0.99, abs=0.01)


def test_embeddings_that_are_all_equal_recognize_nobody() -> None:
    rows, ids = np.full((60, 64), 0.125, np.float32), np.repeat(np.arange(6), 10)
    found = identification(rows, ids)
    assert found.rank1 == {1: 0.0, 3: 0.0, 5: 0.0}
    assert found.rank5[1] == 0.0


def test_more_shown_pictures_help() -> None:
    rows, ids = people(12, 9, 0.9)
    shares = [recognized(rows, ids, shown)[0] for shown in (1, 3, 5)]
    assert shares[0] < shares[1] < shares[2]


@pytest.mark.parametrize(("count", "each"), [(400, 2), (200, 4), (8, 100)])
def test_pairs_of_some_pictures_tell_what_those_of_all_tell(
    count: int, each: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, ids = people(count, each, 1.2)
    every = identification(rows, ids)
    monkeypatch.setattr("edgelens.runtime.metrics.identification._MOST_PAIRS", 400)
    some = identification(rows, ids)
    assert every.equal_error > 0.05
    assert some.equal_error == pytest.approx(every.equal_error, abs=0.03)
    assert some.false_rejects[0.01] == pytest.approx(every.false_rejects[0.01], abs=0.07)


def test_a_share_of_strangers_reaches_its_limit_and_no_more() -> None:
    rows, ids = people(20, 10, 0.8)
    accepts = dict(accepts_of(rows, ids))
    others, whose = people(20, 10, 0.8, seed=5)
    far = [float((others[i] @ rows[ids == n].T).max() > accepts[0.01]) for i in range(0, 200, 10) for n in range(20)]
    assert np.mean(far) < 0.05
    assert list(accepts) == sorted(accepts, reverse=True)
    assert list(accepts.values()) == sorted(accepts.values())
    assert len(whose) == 200


def test_of_few_pictures_is_not_asked_and_that_is_said() -> None:
    rows, ids = people(6, 7, 0.05)
    stay = ~((ids == 2) & (np.arange(42) >= 16)) & ~((ids == 4) & (np.arange(42) >= 29))
    found = identification(rows[stay], ids[stay])  # two of 2 and one of 4, seven of the others
    assert found.rank1 == {1: 1.0, 3: 1.0, 5: 1.0} and found.asked == {1: 5, 3: 4, 5: 4}
    assert found.notes()[:2] == (
        "with 1 shown, pictures of 5 of 6 identities are asked: the others have no more",
        "with 3 shown, pictures of 4 of 6 identities are asked: the others have no more",
    )
    assert identification(*people(6, 7, 0.05)).notes() == ()
    assert list(identification(*people(6, 3, 0.05)).rank1) == [1], "nobody has a fourth picture"


def test_identities_of_one_picture_are_no_traceback() -> None:
    rows, ids = people(5, 1, 0.1)
    found = identification(rows, ids)
    assert found.rank1 == {1: 1.0} and found.mean_precision == 0.0


def test_one_ranking_in_another_space_knows_nobody_that_was_taught_here() -> None:
    rows = unit_rows(np.random.default_rng(0).normal(size=(40, 64)).astype(np.float32))
    shaken = unit_rows(rows + np.random.default_rng(1).normal(scale=0.003, size=rows.shape).astype(np.float32))
    assert in_one_space(rows, shaken) == 1
    assert in_one_space(rows, np.roll(rows, 1, axis=1)) < 0.2, "the same cosines, of other numbers"
    assert in_one_space(rows, unit_rows(rows + 2 * rows[0])) < 0.9, "everybody more alike"
    assert in_one_space(rows[:1], rows[:1]) == 1
