"""Tasks of a test's own train through the one loop: a number a picture; two maps and as many boxes as there are."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from dots_train import SIDE, Means, dots
from torch import Tensor, nn

from edgelens.cli import explain as explain_verb
from edgelens.cli import train as train_verb
from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError, UsageError
from edgelens.runtime.preprocess import PixelContract
from edgelens.train import Run, TrainConfig, fit, resume
from edgelens.train.augment import normalised
from edgelens.train.data.prepare import open_images
from edgelens.train.data.targets import RaggedTargets
from edgelens.train.ingredients import run_task
from edgelens.train.models.options import ModelOptions
from edgelens.train.report.sections import curves, settings
from edgelens.train.runs.outputs import SplitOutputs
from edgelens.train.task import Score, Settled, Task, by_name
from edgelens.train.tasks.catalog import TASKS
from edgelens.train.tune.learning_curve import learning_curve

# where they are: two maps, boxes as targets


class Maps(nn.Module):
    """A trunk with two maps on it, given as a tuple."""

    def __init__(self, trunk: Any) -> None:
        super().__init__()
        trunk.classifier = nn.Identity()
        self.trunk = trunk
        with torch.no_grad():
            channels = trunk.forward_features(torch.zeros(1, 1, SIDE, SIDE)).shape[1]
        self.heat, self.size = nn.Conv2d(channels, 1, 1), nn.Conv2d(channels, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk.forward_features(x)
        return self.heat(features)[:, 0], self.size(features)


def cells(boxes: RaggedTargets, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Each box's picture, row and column in a map of so many cells a side."""
    middle = boxes.columns["boxes"][:, :2] + boxes.columns["boxes"][:, 2:] / 2
    at = (middle / SIDE * side).long().clamp(0, side - 1)
    return boxes.pictures, at[:, 1], at[:, 0]


def spots(config: TrainConfig, classes: Sequence[str], counts: Sequence[int]) -> Task:
    del classes, counts
    with np.load(Path(config.data).with_suffix(".boxes.npz")) as stored:
        every = RaggedTargets({"boxes": torch.from_numpy(stored["boxes"])}, torch.from_numpy(stored["starts"]))

    def targets(images: ImageSet, _pixels: PixelContract) -> RaggedTargets:
        return every.pick(np.array([int(name.split("/")[-1]) for name in images.names], np.intp))

    def wanted_heat(outputs: Any, boxes: RaggedTargets) -> Tensor:
        heat = torch.zeros_like(outputs["heat"], dtype=torch.float32)
        heat[cells(boxes, heat.shape[-1])] = 1
        return heat

    def loss(outputs: Any, boxes: RaggedTargets) -> Tensor:
        picture, row, column = cells(boxes, outputs["heat"].shape[-1])
        there = F.binary_cross_entropy_with_logits(
            outputs["heat"].float(), wanted_heat(outputs, boxes), reduction="none"
        ).mean((1, 2))
        off = (outputs["size"].float()[picture, :, row, column] - boxes.columns["boxes"][:, 2:] / SIDE).abs().mean(1)
        return there.index_add(0, picture, off, alpha=0.1)

    def measure(outputs: Any, boxes: RaggedTargets) -> dict[str, Tensor]:
        right = (outputs["heat"] > 0) == (wanted_heat(outputs, boxes) > 0)
        return {"loss": loss(outputs, boxes), "cells": right.float().mean((1, 2))}

    def summary(outputs: Any, boxes: Any, settled: Settled) -> dict[str, Any]:
        del settled
        return {"pictures": len(outputs["best"]), "boxes": len(boxes.columns["boxes"])}

    return Task(
        "spots",
        ("heat", "size"),
        open_images,
        targets,
        lambda build, _classes: Maps(build(1)),
        lambda _recipe, pixels, boxes, _draw: (normalised(pixels), boxes),
        loss,
        lambda: Means(measure, ("loss", "cells")),
        Score("cells"),
        lambda _outputs, boxes, _rate: Settled(Decode("spots", threshold=len(boxes) / 1000)),
        summary,
        lambda found: [curves(found), settings(found)],
        keep=lambda outputs: {"best": outputs["heat"].amax((1, 2))},
        heads=("heat", "size"),
    )


@pytest.fixture(scope="module")
def dotted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with 0 to 3 dots, and each dot's box beside them."""
    folder, draw = tmp_path_factory.mktemp("dots"), np.random.default_rng(0)
    images, boxes, counts = [], [], np.arange(320) % 4
    for count in counts:
        image = draw.integers(0, 60, (SIDE, SIDE), np.uint8)
        for place in draw.permutation(9)[:count]:  # of a 3 × 3 grid, so that none hides another
            x, y = 8 * (place % 3) + draw.integers(1, 4), 8 * (place // 3) + draw.integers(1, 4)
            image[y : y + 4, x : x + 4] = 250
            boxes.append((x, y, 4, 4))
        images.append(image)
    np.savez(folder / "dots.npz", images=np.stack(images), labels=counts)
    np.savez(folder / "dots.boxes.npz", boxes=np.array(boxes, np.float32), starts=np.r_[0, counts.cumsum()])
    return folder / "dots.npz"


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "dots", lambda: dots)
    monkeypatch.setitem(TASKS, "spots", lambda: spots)


def config(dotted: Path, out: Path, **changes: Any) -> TrainConfig:
    made = TrainConfig(
        str(dotted), str(out), task="dots", model="resnet8", options=ModelOptions(width=0.5), size=(SIDE, SIDE),
        color="gray", epochs=6, batch=32, rate=5e-3, augment="none", precision="float32", threads=1,
    )  # fmt: skip
    return replace(made, **changes)


def rows(run: Run) -> list[dict[str, str]]:
    with (run.path / "metrics.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_a_regression_trains_and_less_is_better(dotted: Path, tmp_path: Path) -> None:
    run = fit(config(dotted, tmp_path / "run"), quiet=True)
    errors = [float(row["val_mean_absolute_error"]) for row in rows(run)]
    metrics = run.facts.metrics or {}
    assert metrics["best_epoch"] == 1 + int(np.argmin(errors))
    assert metrics["val_mean_absolute_error"] == pytest.approx(min(errors), rel=1e-4)
    assert min(errors) < 0.4 < errors[0], "always saying the mean is off by 1"
    assert metrics["val"]["within_half"] > 0.6
    again = Run.open(run.path)
    assert again == run
    assert again.decode == Decode("dots", options={"most": 3})
    assert by_name(again.model()(torch.zeros(2, 1, SIDE, SIDE)), ("count",))["count"].shape == (2, 1)
    kept = SplitOutputs.load(run.path)
    np.testing.assert_allclose(
        np.abs(kept.val["count"][:, 0] - kept.val_targets.arrays()["values"]).mean(), min(errors), rtol=1e-4
    )


def test_its_report_is_its_own(dotted: Path, tmp_path: Path) -> None:
    run = fit(config(dotted, tmp_path / "run", epochs=2, augment="default"), quiet=True)
    text = (run.path / "report.html").read_text("utf-8")
    HTMLParser().feed(text)
    assert "are counted" in text
    assert "Mean absolute error on the validation images" in text
    assert "accuracy" not in text.lower()
    learning_curve(run, lambda asked: fit(asked, quiet=True, overwrite=True), lambda _line: None)
    first, *points = (run.path / "learning-curve.csv").read_text().splitlines()
    assert first == "images,mean_absolute_error,error"
    assert len(points) == 4


@pytest.mark.parametrize("task", ["dots", "spots"])
def test_what_was_stopped_goes_on_to_the_same_end(dotted: Path, tmp_path: Path, task: str) -> None:
    def stop(row: dict[str, float]) -> None:
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    asked = config(dotted, tmp_path / "whole", task=task, epochs=4)
    whole = fit(asked, quiet=True)
    with pytest.raises(KeyboardInterrupt):
        fit(replace(asked, out=str(tmp_path / "stopped")), quiet=True, watch=stop)
    gone_on = resume(tmp_path / "stopped", quiet=True)
    assert gone_on.facts.metrics == whole.facts.metrics
    pairs = zip(whole.model().parameters(), gone_on.model().parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_two_maps_learn_from_boxes_as_many_as_there_are(dotted: Path, tmp_path: Path) -> None:
    run = fit(config(dotted, tmp_path / "run", task="spots", ema=0.9), quiet=True)
    metrics = run.facts.metrics or {}
    right = [float(row["val_cells"]) for row in rows(run)]
    assert right[metrics["best_epoch"] - 1] == max(right)
    assert metrics["val_cells"] > 0.985 > right[0], "always saying that nothing is there is right in 23 of 24 cells"
    outputs = by_name(run.model()(torch.zeros(2, 1, SIDE, SIDE)), run_task(run).outputs)
    assert set(outputs) == {"heat", "size"}
    assert outputs["size"].shape[:2] == (2, 2)
    kept = SplitOutputs.load(run.path)
    assert set(kept.val) == {"best"}, "of the maps only what the task keeps is held"
    assert len(kept.val["best"]) == len(kept.val_targets) == metrics["val"]["pictures"]
    assert isinstance(kept.val_targets, RaggedTargets)
    assert metrics["val"]["boxes"] == int(kept.val_targets.starts[-1])
    assert run.decode.threshold == len(kept.val_targets) / 1000


def test_a_start_and_a_frozen_backbone_leave_the_heads_free(dotted: Path, tmp_path: Path) -> None:
    first = fit(config(dotted, tmp_path / "first", task="spots", epochs=1), quiet=True)
    asked = config(dotted, tmp_path / "second", task="spots", epochs=1, start=str(first.path), freeze=("backbone",))
    before, after = first.model().state_dict(), fit(asked, quiet=True).model().state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"heat", "size"}


def test_ragged_targets_are_picked_in_any_order() -> None:
    boxes = torch.arange(12, dtype=torch.float32).reshape(6, 2)
    targets = RaggedTargets({"boxes": boxes}, torch.tensor([0, 2, 2, 5, 6]))
    picked = targets.pick(np.array([2, 1, 0, 2]))
    assert picked.starts.tolist() == [0, 3, 3, 5, 8]
    assert picked.pictures.tolist() == [0, 0, 0, 2, 2, 3, 3, 3]
    assert torch.equal(picked.columns["boxes"], boxes[[2, 3, 4, 0, 1, 2, 3, 4]])
    assert len(targets.pick(np.array([], np.intp))) == 0


def test_a_split_is_measured_in_parts(dotted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The meter sees batches, in the order of the split, and never the whole of it."""
    meters: list[Means] = []
    monkeypatch.setattr("edgelens.train.validation._PREDICTED", 10 * SIDE * SIDE)

    def spied(asked: TrainConfig, classes: Sequence[str], counts: Sequence[int]) -> Task:
        task = dots(asked, classes, counts)
        return replace(task, meter=lambda: meters.append(task.meter()) or meters[-1])  # type: ignore[arg-type,func-returns-value,return-value]

    monkeypatch.setitem(TASKS, "dots", lambda: spied)
    fit(config(dotted, tmp_path / "run", epochs=1), quiet=True)
    assert all(meter.largest <= 10 for meter in meters)
    assert meters[0].count == pytest.approx(0.15 * 320, abs=4)


def test_merged_meters_say_what_one_would() -> None:
    from edgelens.train.tasks.classify.meter import ClassifyMeter

    logits, labels = torch.randn(30, 3), torch.arange(30) % 3
    whole, parts = ClassifyMeter(), [ClassifyMeter(), ClassifyMeter()]
    whole.add({"logits": logits}, labels)
    for part, rows_of in zip(parts, (slice(0, 11), slice(11, 30)), strict=True):
        part.add({"logits": logits[rows_of]}, labels[rows_of])
    parts[0].merge([part.state() for part in parts])
    assert parts[0].result() == pytest.approx(whole.result())
    assert whole.result()["loss"] == pytest.approx(float(F.cross_entropy(logits, labels)))
    assert whole.result()["accuracy"] == pytest.approx(float((logits.argmax(1) == labels).float().mean()))


def test_what_a_task_does_not_know_is_refused_in_one_line(
    dotted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fit(config(dotted, tmp_path / "run", epochs=1), quiet=True)
    with pytest.raises(UsageError, match="the task dots learns from labels alone"):
        fit(config(dotted, tmp_path / "student", teacher=str(run.path)), quiet=True)
    with pytest.raises(UsageError, match="its task, dots, has no answer"):
        CliRunner().invoke(explain_verb.command, [str(run.path), "photo.png"], catch_exceptions=False)
    monkeypatch.delitem(TASKS, "dots")
    with pytest.raises(DataError, match=r"run\.json: its task 'dots' is none of this edgelens's: classify, .*spots"):
        Run.open(run.path)
    with pytest.raises(UsageError, match=r"--task dots: must be one of classify, .*spots"):
        CliRunner().invoke(train_verb.command, [str(dotted), "--task", "dots"], catch_exceptions=False)
