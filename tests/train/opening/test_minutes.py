"""Minutes that a network is given which learns all from its first step: as many epochs as fit, said beforehand."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgelens.train import TrainConfig, fit
from edgelens.train.opening.minutes import within

PLAIN = TrainConfig("photos", "run")


def test_the_minutes_decide_the_epochs() -> None:
    config, said = within(replace(PLAIN, minutes=10), 900, 30)
    assert 10 <= config.epochs <= 20
    assert f"{config.epochs} epochs of about" in said


def test_epochs_that_were_asked_for_are_the_most() -> None:
    config, said = within(replace(PLAIN, minutes=60, epochs=3), 900, 30)
    assert (config.epochs, said) == (3, "3 epochs, about 2 minutes")
    assert within(replace(PLAIN, minutes=2, epochs=300), 900, 30)[0].epochs < 300


def test_a_machine_too_slow_for_an_epoch_says_so_and_trains_one() -> None:
    config, said = within(replace(PLAIN, minutes=1), 9000, 5)
    assert config.epochs == 1
    assert "about 38 minutes here, longer than --minutes 1" in said
    assert "about 38 s here, longer than --minutes 0.1" in within(replace(PLAIN, minutes=0.1), 900, 30)[1]


def test_a_training_ends_in_its_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = np.random.default_rng(0)
    images = draw.integers(0, 255, (120, 16, 16, 1), np.uint8)
    np.savez(tmp_path / "signs.npz", images=images, labels=np.arange(120) % 3)
    asked = TrainConfig(
        str(tmp_path / "signs.npz"), str(tmp_path / "run"), model="linear", batch=16, minutes=0.1, threads=1
    )
    began = time.monotonic()
    run = fit(asked)
    assert f"{run.config.epochs} epochs of about 0 s fit --minutes 0.1" in capsys.readouterr().err
    assert run.config.epochs > 10
    assert time.monotonic() - began < 60  # a training without an end would not come back
    assert 10 < len((run.path / "metrics.csv").read_text().splitlines()) <= run.config.epochs + 1
