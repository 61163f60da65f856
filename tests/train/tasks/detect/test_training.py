"""A detector that learned discs and squares: its figures, its report, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from one_line import one_line

from edgelens.compress.learn.distill import load_teacher
from edgelens.runtime.errors import DataError, UsageError
from edgelens.train import Run, TrainConfig, fit
from edgelens.train.config import BACKBONE
from edgelens.train.ingredients import run_task
from edgelens.train.models.cost import cost_of
from edgelens.train.models.options import ModelOptions
from edgelens.train.opening.opened import Opened, opened
from edgelens.train.runs.outputs import SplitOutputs
from edgelens.train.runs.report import gather
from edgelens.train.task import by_name
from edgelens.train.tasks.catalog import make_network
from edgelens.train.tasks.detect.answers import FOUND
from edgelens.train.tasks.detect.seen import seen_of
from edgelens.train.tasks.detect.told import told


def test_it_finds_what_it_learned(detector_run: Path) -> None:
    run = Run.open(detector_run)
    metrics = run.facts.metrics or {}
    assert metrics["val"]["map50"] > 0.9
    assert metrics["val"]["map50_95"] > 0.6
    assert [entry["label"] for entry in metrics["val"]["classes"]] == ["disc", "square"]
    assert metrics["val_map50_95"] == pytest.approx(metrics["val"]["map50_95"], abs=0.02)
    assert run.decode.decoder == "lens-det"
    assert set(run.decode.thresholds) == {"disc", "square"}
    assert all(0 < value < 1 for value in run.decode.thresholds.values())
    assert run.pixels.resize == "letterbox"
    outputs = by_name(run.model()(torch.zeros(2, 3, 96, 96)), run_task(run).outputs)
    assert {name: tuple(v.shape[1:]) for name, v in outputs.items()} == {
        "scores8": (2, 12, 12), "scores16": (2, 6, 6), "scores32": (2, 3, 3),
        "sides8": (4, 12, 12), "sides16": (4, 6, 6), "sides32": (4, 3, 3),
    }  # fmt: skip
    kept = SplitOutputs.load(run.path)
    assert set(kept.val) == {FOUND}, "maps are not kept"


def test_its_report_says_where_it_is_wrong(detector_run: Path) -> None:
    text = (detector_run / "report.html").read_text("utf-8")
    HTMLParser().feed(text)
    for part in ("Precision over recall", "Confusion, with background", "The worst pictures", "What to try next",
                 "Class by class", "mAP50-95"):  # fmt: skip
        assert part in text
    found = gather(Run.open(detector_run))
    said = seen_of(found)
    table = said.confusion()
    wanted = np.bincount(said.truth.labels, minlength=2)
    assert table[:2].sum(axis=1).tolist() == wanted.tolist(), "every box of the truth stands in one cell"
    assert int(table[:, :2].sum()) == int((said.passed & said.counts).sum()), "and every box found"
    assert told(found).score.endswith("mAP50-95")


def test_it_goes_on_from_a_run_and_learns_from_a_teacher(shapes: Path, detector_run: Path, tmp_path: Path) -> None:
    run = Run.open(detector_run)
    asked = replace(
        run.config, out=str(tmp_path / "next"), epochs=1, start=str(detector_run), teacher=str(detector_run), ema=0.0
    )
    after = fit(asked, quiet=True)
    assert (after.facts.metrics or {})["val_map50_95"] > 0.4
    assert after.facts.started is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": (64, 64)}, "answers for pictures of 96x96, this run for 64x64; take --size 96x96"),
        ({"options": ModelOptions(finest=16)}, "answers in other cells than this run; take its --finest"),
    ],
)
def test_a_teacher_that_answers_in_another_shape_is_refused(
    detector_run: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    run = Run.open(detector_run)
    asked = replace(run.config, out=str(tmp_path / "taught"), epochs=1, teacher=str(detector_run), **changes)
    with pytest.raises(UsageError) as caught:
        fit(asked, quiet=True)
    one_line(caught.value, f"--teacher {detector_run}: {said}")
    other = replace(run, config=replace(run.config, options=ModelOptions(finest=16)))
    with pytest.raises(DataError, match=r"gives other outputs than .*: another task's, or another --finest's"):
        load_teacher(str(detector_run), other)


def test_networks_of_every_trunk_answer_at_every_stride() -> None:
    for model, finest in (("lens-det-s", None), ("lens-det-m", 4), ("lite0", None)):
        config = TrainConfig("data", "out", task="detect", model=model, options=ModelOptions(finest=finest))
        from edgelens.runtime.preprocess import PixelContract

        network = make_network(config, ("a", "b", "c"), PixelContract(64, 96, "rgb", "letterbox")).eval()
        answers = network(torch.zeros(1, 3, 64, 96))
        assert len(answers) == (8 if finest else 6)
        assert answers[0].shape == (1, 3, 64 // (finest or 8), 96 // (finest or 8))
        assert cost_of(network, 3, (64, 96)).parameters > 500_000


def test_a_trunk_that_has_seen_the_world_takes_few_epochs(shapes: Path, tmp_path: Path) -> None:
    config = TrainConfig(str(shapes), str(tmp_path / "run"), task="detect", threads=1)
    known = begun(replace(config, model="lite0"))
    assert (known.config.batch, known.config.epochs, known.config.start) == (8, 40, BACKBONE)
    from_chance = begun(replace(config, model="lite0", scratch=True))
    assert (from_chance.config.batch, from_chance.config.epochs, from_chance.config.start) == (8, 300, None)


def begun(config: TrainConfig) -> Opened:
    return opened(config, None, leads=False, alone=True, reading=lambda *_: None)


def test_what_cannot_be_a_detector_is_refused(shapes: Path, tmp_path: Path) -> None:
    config = TrainConfig(str(shapes), str(tmp_path / "run"), task="detect", cache=str(tmp_path))
    with pytest.raises(UsageError, match="--model resnet8: has no maps of several sizes, which boxes need; take lens"):
        fit(replace(config, model="resnet8"), quiet=True)
    with pytest.raises(UsageError, match="--model lite0-16: has no maps of several sizes"):
        fit(replace(config, model="lite0-16"), quiet=True)
    with pytest.raises(UsageError, match="--size 90x96: a detector's sides are multiples of 32"):
        fit(replace(config, size=(90, 96)), quiet=True)
    assert not (tmp_path / "run").exists()
