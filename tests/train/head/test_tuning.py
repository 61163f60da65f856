"""How long fine-tuning takes is said beforehand, and fits the time that was given."""

from __future__ import annotations

from dataclasses import replace

from edgelens.train.config import TrainConfig
from edgelens.train.head.tuning import gentle, planned

PLAIN = TrainConfig("photos", "run")


def test_the_minutes_decide_the_epochs() -> None:
    plan = planned(replace(PLAIN, minutes=10), 900, 30)
    assert 10 <= plan.epochs <= 20
    assert 9 <= plan.minutes <= 10
    assert f"{plan.epochs} epochs, about {plan.minutes:.0f} minutes" in plan.said


def test_unasked_it_takes_a_quarter_of_an_hour_at_most() -> None:
    assert planned(PLAIN, 900, 1000).epochs == 12
    assert planned(PLAIN, 9000, 30).minutes <= 15


def test_few_photos_stop_at_the_head_unless_time_is_given() -> None:
    plan = planned(PLAIN, 96, 30)
    assert plan.epochs == 0
    assert "--minutes" in plan.said
    asked = planned(replace(PLAIN, minutes=1), 96, 30)
    assert asked.epochs > 0
    assert "--minutes 0" in asked.said
    assert "--minutes 0" not in planned(replace(PLAIN, minutes=10), 900, 30).said


def test_a_machine_too_slow_for_an_epoch_says_so() -> None:
    plan = planned(replace(PLAIN, minutes=1), 9000, 5)
    assert plan.epochs == 0
    assert "would take 38 minutes" in plan.said


def test_epochs_that_were_asked_for_stay() -> None:
    plan = planned(replace(PLAIN, epochs=3), 900, 30)
    assert (plan.epochs, plan.limit) == (3, None)
    assert planned(replace(PLAIN, epochs=3, minutes=60), 900, 30).limit == 60


def test_what_was_asked_for_stays_as_it_was() -> None:
    asked = replace(PLAIN, rate=0.01, augment="quick", batch=8, first_rate=0.5)
    made = gentle(asked, 96, 5000)
    assert (made.rate, made.augment, made.batch, made.first_rate) == (0.01, "quick", 8, 0.5)
    assert made.frozen_norm
    plainly = replace(PLAIN, augment="default", label_smoothing=0.0, ema=0.0, first_rate=1.0)
    made = gentle(plainly, 96, 900)
    assert (made.augment, made.label_smoothing, made.ema, made.first_rate) == ("default", 0.0, 0.0, 1.0)
    assert gentle(PLAIN, 96, 900).augment == "photos"
    assert gentle(PLAIN, 96, 900).learnt_at == 1
    assert gentle(PLAIN, 224, 900).learnt_at == 0.75
    assert gentle(replace(PLAIN, minutes=0), 224, 900) == replace(PLAIN, minutes=0), "the head alone learns"


def test_of_many_photos_the_first_layers_learn_more() -> None:
    assert gentle(PLAIN, 96, 900).first_rate < gentle(PLAIN, 96, 5000).first_rate < 1
