"""A detector's advice: nothing is asked of who drew the boxes, and no smaller network is called a larger one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgelens.train.report.advice import Advice
from edgelens.train.runs.report import gather
from edgelens.train.runs.run import Run
from edgelens.train.tasks.detect.advice import advise
from edgelens.train.tasks.detect.seen import Seen, seen_of


def said_of(seen: Seen, kind: str) -> Advice | None:
    return next((one for one in advise(seen) if one.kind == kind), None)


def with_config(seen: Seen, **changes: Any) -> Seen:
    return replace(seen, found=replace(seen.found, config=replace(seen.found.config, **changes)))


@pytest.fixture
def making_up(detector_run: Path) -> Seen:
    """A detector that is sure of boxes where none were drawn."""
    seen = seen_of(gather(Run.open(detector_run)))
    boxes = replace(seen.boxes, scores=np.full(len(seen.boxes.labels), 0.9))
    count = len(boxes.labels)
    return replace(seen, boxes=boxes, passed=np.ones(count, bool), hit=np.full(count, -1), counts=np.ones(count, bool))


def test_only_who_has_learnt_the_boxes_tells_of_missing_ones(making_up: Seen) -> None:
    assert said_of(replace(making_up, train_map=0.6), "unlabelled") is not None
    assert said_of(replace(making_up, train_map=0.04), "unlabelled") is None


@pytest.mark.parametrize(("model", "larger"), [("lens-det-s", "lens-det-m"), ("lens-det-m", "lite0"), ("lite0", None)])
def test_a_larger_network_is_larger(making_up: Seen, model: str, larger: str | None) -> None:
    poor = with_config(replace(making_up, train_map=0.04), model=model, minutes=None)
    said = said_of(poor, "under-fitting")
    assert said is not None
    assert [action for action in said.actions if "larger network" in action] == (
        [f"a larger network: `--model {larger}`"] if larger else []
    )


def test_who_gave_minutes_is_told_to_give_more(making_up: Seen) -> None:
    said = said_of(with_config(replace(making_up, train_map=0.04), minutes=2.0), "under-fitting")
    assert said is not None
    assert said.actions[0] == "more time: `--minutes`"


@pytest.mark.parametrize(("small", "advised"), [(0.1, True), (0.5, False)])
def test_where_all_things_are_small_a_larger_picture_is_advised(
    making_up: Seen, small: float, *, advised: bool
) -> None:
    metrics = {**making_up.metrics, "by_size": {"small": small, "medium": None, "large": None}}
    truth = replace(making_up.truth, boxes=making_up.truth.boxes * 0.1, areas=None)
    said = said_of(replace(making_up, metrics=metrics, truth=truth), "small")
    assert (said is not None) == advised
    if said is not None:
        assert said.title == "All things are small"
        assert "against" not in said.evidence
        assert said.actions[0].startswith("a larger picture: `--size ")
