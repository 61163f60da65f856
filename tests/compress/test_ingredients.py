"""What a compression works on: the data set opened once, whoever trained the run, and nothing bad taken for good."""

import dataclasses
import shutil
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from one_line import one_line

from edgelens.compress.config import CompressConfig
from edgelens.compress.ingredients import ingredients_of
from edgelens.compress.learn.distill import DistillConfig
from edgelens.compress.learn.finetune import FineTune
from edgelens.compress.learn.lesson import lesson_of
from edgelens.compress.pipeline import compress_run
from edgelens.compress.prune.iterative import PruneConfig
from edgelens.compress.quantize.observers import Observer
from edgelens.compress.quantize.qat import QatConfig
from edgelens.compress.unread import refuse_unread
from edgelens.runtime.datasets.catalog import load_pictures
from edgelens.runtime.errors import DataError, UsageError
from edgelens.train.models.options import ModelOptions
from edgelens.train.runs.run import Run
from edgelens.train.tasks.catalog import TASKS


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every opening of a data set, by its path."""
    found: list[str] = []
    plain = TASKS["classify"]()

    def counting(config, classes, counts):
        task = plain(config, classes, counts)

        def open_data(asked):
            found.append(asked.path)
            return task.open_data(asked)

        return dataclasses.replace(task, open_data=open_data)

    monkeypatch.setitem(TASKS, "classify", lambda: counting)
    return found


@pytest.fixture
def earlier(run_folder, tmp_path) -> Callable[[bool], Run]:
    """The run, or as an earlier kit left it: without its training images counted."""

    def made(counted: bool) -> Run:
        folder = tmp_path / "run"
        shutil.copytree(run_folder, folder)
        run = Run.open(folder)
        if not counted:
            run = dataclasses.replace(run, facts=dataclasses.replace(run.facts, counts=None))
            run.write()
        return run

    return made


@pytest.mark.parametrize("counted", [True, False], ids=["this kit's run", "an earlier kit's"])
def test_the_data_set_is_opened_once_by_a_compression_with_every_repair(earlier, opened, tmp_path, counted):
    tuning = FineTune(epochs=0.05, precision="float32")
    config = CompressConfig(
        formats=("onnx",), calibration_images=16, evaluation_images=32, prune=PruneConfig(0.8, rounds=1, tuning=tuning),
        qat=QatConfig(tuning), allow_mismatch=True,
    )  # fmt: skip
    compress_run(earlier(counted).path, tmp_path / "x.edge", config)
    assert len(opened) == 1


def test_an_earlier_kits_run_is_repaired_with_its_own_weights(earlier, opened):
    run = earlier(False)
    weighted = dataclasses.replace(run, config=dataclasses.replace(run.config, imbalance="weights"))
    made_of = ingredients_of(weighted, CompressConfig(calibration_images=8, evaluation_images=8))
    labels = made_of.splits.by_name["train"].labels
    assert made_of.run.facts.counts == tuple(np.bincount(labels, minlength=10).tolist())
    lesson_of(made_of.run, made_of.training_pictures(most=8), made_of.pixels)
    assert len(opened) == 1


def test_an_empty_calibration_folder(run, tmp_path):
    with pytest.raises(DataError) as caught:
        ingredients_of(run, CompressConfig(calibrate=str(tmp_path)))
    one_line(caught.value, "holds no images")


def test_a_background_label_that_the_run_does_not_know(run):
    with pytest.raises(UsageError) as caught:
        ingredients_of(run, CompressConfig(background=("nothing",)))
    one_line(caught.value, "--background nothing")


def test_calibration_images_of_any_size_are_fitted(run, tmp_path):
    for i, side in enumerate((7, 200)):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((side, side + 3, 3), 90, np.uint8))
    assert len(load_pictures(str(tmp_path), "--calibrate")) == 2
    assert ingredients_of(run, CompressConfig(calibrate=str(tmp_path))).calibration.shape == (2, 16, 16, 1)


def test_only_of_pictures_that_the_head_learned_it_is_said_that_it_did(earlier):
    run = earlier(True)
    crossed = dataclasses.replace(
        run, facts=dataclasses.replace(run.facts, metrics={**run.facts.metrics, "judged": "train+val"})
    )
    few = CompressConfig(calibration_images=8, evaluation_images=8)
    assert "whose last layer learned from them too" in ingredients_of(crossed, few).evaluated_on
    with np.load(run.path / "splits.npz") as stored:
        kept = {name: stored[name] for name in stored.files}
    kept["splits"][np.flatnonzero(kept["splits"] == "train")[:100]] = "test"
    np.savez(run.path / "splits.npz", **kept)
    assert ingredients_of(crossed, few).evaluated_on == "8 test images of digits.npz"


def test_repairs_that_a_networks_files_would_not_read_are_refused_before_the_work(run):
    few = CompressConfig(calibration_images=8, evaluation_images=8)
    refuse_unread(ingredients_of(run, few), dataclasses.replace(few, qat=QatConfig(), mixed=2, sensitivity=True))
    attentive = dataclasses.replace(few, distill=DistillConfig("vit-tiny", ModelOptions(width=0.5, depth=1)))
    made_of = ingredients_of(run, attentive)
    refuse_unread(made_of, attentive)
    with pytest.raises(UsageError) as caught:
        refuse_unread(made_of, dataclasses.replace(attentive, qat=QatConfig()))
    one_line(caught.value, "--qat: is for networks of convolutions; vit-tiny is quantized by the tool of each format")
    refuse_unread(made_of, dataclasses.replace(attentive, observer=Observer("minmax")))  # what each tool does
    with pytest.raises(UsageError, match="--observer mse: is for networks of convolutions"):
        refuse_unread(made_of, dataclasses.replace(attentive, observer=Observer("mse")))
