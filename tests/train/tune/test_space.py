"""The space: what can be written, what becomes of it, and what is refused in one line."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from edgelens.runtime.errors import UsageError
from edgelens.train.config import TrainConfig
from edgelens.train.models.options import ModelOptions
from edgelens.train.opening.given import flag
from edgelens.train.tune.search import TuneConfig, search
from edgelens.train.tune.space import (
    Dimension,
    OneOf,
    Span,
    configured,
    default_space,
    grid,
    parse_search,
    refuse_unread,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("batch=32,64", ("batch", OneOf((32, 64)))),
        ("l2=1e-5..1e-1:log", ("l2", Span(1e-5, 1e-1, log=True))),
        ("epochs=5..20", ("epochs", Span(5, 20, whole=True))),
        ("optimizer=adamw,sgd", ("optimizer", OneOf(("adamw", "sgd")))),
        ("label-smoothing=0,0.1", ("label_smoothing", OneOf((0.0, 0.1)))),
    ],
)
def test_dimensions_are_read(text: str, expected: object) -> None:
    assert parse_search(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour=red", "what can be searched is rate, rate_factor"),
        ("optimizer=adamw,magic", "optimizer has no 'magic'; it knows gd, sgd"),
        ("batch=many", "write batch=1,2,4 or batch=1..8"),
        ("l2=0..1:log", "write l2="),
        ("rate=5..1", "write rate="),
        ("rate", "write rate="),
        ("batch=1..inf", "write batch="),
    ],
)
def test_what_cannot_be_read_is_said(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_search(text)


def test_values_come_to_their_places() -> None:
    config = TrainConfig("data", "out", options=ModelOptions(dense=8))
    made = configured(config, {"width": 0.5, "optimizer": "nesterov", "rate_factor": 2.0, "size": 48, "batch": 16})
    assert made.options == ModelOptions(dense=8, width=0.5)
    assert made.rate == pytest.approx(0.1)  # twice nesterov's own .05
    assert (made.size, made.batch, made.optimizer) == ((48, 48), 16, "nesterov")
    assert configured(config, {"rate_factor": 0.5}).rate == pytest.approx(0.001)  # half of adamw's


@pytest.mark.parametrize(
    ("name", "dimension", "message"),
    [
        ("dropout", Span(0, 9), "--search dropout: --dropout 9.0: .*at most 0.95"),
        ("batch", OneOf((32, -1)), "--search batch: batch -1"),
    ],
)
def test_what_no_training_takes_is_said_before_a_study_exists(
    name: str, dimension: Dimension, message: str, tmp_path: Path
) -> None:
    train = TrainConfig("data", str(tmp_path / "out"))
    with pytest.raises(UsageError, match=message):
        search(TuneConfig(train, {name: dimension}), print)
    assert not list(tmp_path.iterdir())


def test_what_an_option_fixes_is_not_searched() -> None:
    config = TrainConfig("data", "out", model="lens-s", epochs=9)
    everything = default_space(config, set())
    assert {"rate_factor", "batch", "epochs", "optimizer", "augment", "width", "depth", "l2"} <= set(everything)
    assert everything["epochs"] == OneOf((4, 9))
    fewer = default_space(config, {"rate", "width", "epochs"})
    assert set(everything) - set(fewer) == {"rate_factor", "width", "epochs"}
    assert set(everything) - set(default_space(config, set(), shaped=False)) == {"width", "depth"}


def test_what_no_trial_would_read_is_not_searched() -> None:
    small, boxes = TrainConfig("", "", model="cnn-small"), TrainConfig("", "", model="lens-det-s", task="detect")
    assert "depth" not in default_space(small, set()) and "label_smoothing" in default_space(small, set())
    assert "depth" in default_space(boxes, set()) and "label_smoothing" not in default_space(boxes, set())


@pytest.mark.parametrize(
    ("given", "searched", "message"),
    [
        (["depth"], ["batch=8,16"], "--depth: --model cnn-small has no use for it"),
        ([], ["depth=1,2"], "--search depth: --model cnn-small has no use for it"),
        ([], ["focal-gamma=1..3"], "--search focal_gamma: goes with --loss focal"),
        (["finest"], [], "--finest: is for --task detect"),
        (["momentum"], ["optimizer=sgd,rmsprop"], "--momentum: goes with --optimizer momentum"),
        (["momentum"], ["optimizer=sgd,adam"], None),
        (["depth"], ["model=cnn-small,lens-s"], None),
        ([], ["depth=1,2", "model=cnn-small,lens-s"], None),
        ([], ["focal-gamma=1..3", "loss=cross-entropy,focal"], None),
        ([], ["rate_factor=1,2", "epochs=2,4", "size=32,64"], None),
    ],
)
def test_what_no_trial_would_read_is_refused(given: list[str], searched: list[str], message: str | None) -> None:
    with nullcontext() if message is None else pytest.raises(UsageError, match=message):
        refuse_unread(
            TrainConfig("", "", model="cnn-small"),
            {name: flag(name) for name in given},
            dict(map(parse_search, searched)),
        )


def test_a_grid_has_every_combination() -> None:
    space = {"batch": OneOf((1, 2)), "l2": Span(1e-4, 1e-2, log=True), "epochs": Span(2, 4, whole=True)}
    found = grid(space)
    assert len(found) == 2 * 3 * 3
    assert sorted({point["l2"] for point in found}) == pytest.approx([1e-4, 1e-3, 1e-2])
    assert {point["epochs"] for point in found} == {2, 3, 4}
    with pytest.raises(UsageError, match="that is 1,000,000 trainings"):
        grid({name: OneOf(tuple(range(100))) for name in "abc"})
