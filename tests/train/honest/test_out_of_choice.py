"""The best of many epochs on few pictures: its own figure is luck, the one out of choice is not."""

from __future__ import annotations

import numpy as np

from edgelens.train.honest.out_of_choice import out_of_choice, parts_of


def answered(right: np.ndarray) -> dict[str, np.ndarray]:
    """Logits of two classes of which the first is the truth."""
    return {"logits": np.stack([np.where(right, 1.0, 0.0), np.where(right, 0.0, 1.0)], 1).astype(np.float32)}


def rank(answers, rows):
    return float((answers["logits"][rows].argmax(1) == 0).mean()), 0.0


def share(answers) -> float:
    return float((answers["logits"].argmax(1) == 0).mean())


def test_equal_epochs_are_worth_what_they_are_and_not_what_the_luckiest_got() -> None:
    """Forty epochs of 70 %: on 60 pictures the luckiest gets 80 and more."""
    lucky, honest = [], []
    for seed in range(40):
        draw = np.random.default_rng(seed)
        epochs = [answered(draw.random(60) < 0.7) for _ in range(40)]
        lucky.append(max(share(each) for each in epochs))
        honest.append(share(out_of_choice(epochs, parts_of(60, seed), rank)))
    assert np.mean(lucky) > 0.8
    assert abs(np.mean(honest) - 0.7) < 0.03


def test_an_epoch_that_is_better_is_found_and_answers_for_itself() -> None:
    draw = np.random.default_rng(0)
    good = answered(draw.random(60) < 0.97)
    found = out_of_choice(
        [answered(draw.random(60) < 0.3), good, answered(draw.random(60) < 0.5)], parts_of(60, 0), rank
    )
    assert (found["logits"] == good["logits"]).all()


def test_parts_are_even_and_keep_groups_together() -> None:
    groups = [f"clip {i // 3}" for i in range(60)]
    parts = parts_of(60, 3, groups)
    assert all(len(set(parts[3 * i : 3 * i + 3].tolist())) == 1 for i in range(20))
    assert np.bincount(parts_of(103, 1)).tolist() == [21, 21, 21, 20, 20]
    assert len(set(parts_of(1, 0).tolist())) == 1
