"""What a compression works on: the network, the pictures it learns, calibrates and is judged by, its golden frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgelens.runtime.datasets.catalog import load_pictures
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.decode.known import FEATURES, Known, known_from
from edgelens.runtime.errors import DataError, UsageError
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.data.targets import Targets
from edgelens.train.ingredients import class_counts
from edgelens.train.runs.run import KNOWN, Run
from edgelens.train.tasks.catalog import make_task

from .config import CompressConfig
from .learn.distill import student_of
from .learn.pictures import Pictures, pictures_of
from .network.answers import torch_outputs
from .network.knowing import Knowing, knowable
from .progress import Progress
from .proof.golden import GoldenFrames, golden_frames
from .tasks.catalog import task_of
from .tasks.task import Arrays, Task

__all__ = ["Ingredients", "Splits", "ingredients_of", "open_run"]


@dataclass(frozen=True)
class Splits:
    """A run's image sets, opened once."""

    by_name: Mapping[str, ImageSet]
    where: Path

    @classmethod
    def of(cls, run: Run) -> Splits:
        """The splits that a training makes."""
        return cls(run.split_all(("train", "val", "test")), run.path)

    def first(self, *names: str) -> tuple[ImageSet, str]:
        """The first of some splits that holds images, and its name."""
        for name in names:
            if len(self.by_name[name]):
                return self.by_name[name], name
        raise DataError(f"{self.where}: has no images in its {' or '.join(names)} split")


@dataclass(frozen=True)
class Ingredients:
    """A trained network with everything that is asked of it."""

    run: Run
    task: Task
    network: nn.Module  # float, in evaluation mode: the reference of every later step
    splits: Splits
    calibrating: Pictures  # what ranges are found with
    validation: Pictures  # what choices are made on
    evaluation: Pictures  # what the card reports
    evaluated_on: str
    golden: GoldenFrames
    known: Known | None  # of learned pictures, by the trained network
    trained_on: PixelContract  # the picture of the trained network; a smaller one's may be smaller

    @property
    def pixels(self) -> PixelContract:
        """The picture that the network looks at."""
        return self.run.pixels

    @property
    def calibration(self) -> NDArray[np.uint8]:
        """The pictures that ranges are found with, (N, H, W, C)."""
        return self.calibrating.pixels

    def answers(self, network: nn.Module, pictures: NDArray[np.uint8]) -> Arrays:
        """What a network of this task answers to pictures (N, H, W, C)."""
        return torch_outputs(network, pictures, self.task.outputs)

    def targets(self, pictures: Pictures) -> Targets:
        """What pictures are to be answered with."""
        return make_task(self.run.config, self.run.classes).targets(pictures.images, self.pixels).select(pictures.rows)

    def score(self, network: nn.Module, pictures: Pictures) -> float:
        """The task's score of a network on pictures."""
        return self.task.judge(self.answers(network, pictures.pixels), self.targets(pictures))

    def training_pictures(self, seed: int = 0, most: int | None = None) -> Pictures:
        """What repairs learn from."""
        images, _ = self.splits.first("train")
        return pictures_of(images, self.pixels, most=most, seed=seed)

    def golden_of(self, network: nn.Module, pixels: PixelContract) -> GoldenFrames:
        """Frames that prove a network which came of this one."""
        images, _ = self.splits.first("val", "train")
        return golden_frames(images, pixels, lambda pictures: self.answers(network, pictures), self.task.golden)


def open_run(path: str | Path, progress: Progress) -> Run:
    """The run to compress; one whose training has not ended is taken as it is, which is said."""
    run = Run.open(path)
    if run.unfinished:
        progress.say(run.unfinished)
    return run


def ingredients_of(run: Run, config: CompressConfig) -> Ingredients:
    """A run's network and pictures; its score is reported on its test split, else on validation."""
    task = task_of(run.config.task, str(run.path))
    task = replace(task, outputs=make_task(run.config, run.classes).outputs)
    for label in config.background:
        if label not in run.classes:
            raise UsageError(f"--background {label}: is no class of this run; there are {', '.join(run.classes[:8])}")
    network, known = run.model(), _known(run)
    if _gives_features(
        network, run, task, config
    ):  # what a device is taught by, and tells strangers by where it knows some
        network = Knowing(network, task.outputs[0]).eval()
        task = replace(task, outputs=(*task.outputs, FEATURES))
    if not all(bool(torch.isfinite(value).all()) for value in network.state_dict().values()):
        raise DataError(f"{run.path}: the network's weights hold NaN or infinity: train it again")
    splits = Splits.of(run)
    if run.facts.counts is None:  # an earlier kit's: counted here, so that no repair opens the data again
        counts = class_counts(splits.by_name["train"])
        run = replace(run, facts=replace(run.facts, counts=counts))
    evaluation, which = splits.first("test", "val", "train")
    validation, _ = splits.first("val", "train")
    evaluated = pictures_of(evaluation, run.pixels, most=config.evaluation_images, seed=config.seed)
    validated = evaluated if which == "val" else pictures_of(validation, run.pixels, most=2000, seed=config.seed)
    named = {"val": "validation", "train": "training"}.get(which, which)
    where = f"{len(evaluated):,} {named} images of {Path(run.config.data).name}"
    where += _unseen(run) if which in run.judged_splits else ""
    calibration = _calibration_pictures(run, splits, config)
    golden = golden_frames(validation, run.pixels, lambda p: torch_outputs(network, p, task.outputs), task.golden)
    return Ingredients(run, task, network, splits, calibration, validated, evaluated, where, golden, known, run.pixels)


def _unseen(run: Run) -> str:
    """Of a network whose last layer learned from all photos, what it does on others, as cross-validation told."""
    if len(run.judged_splits) == 1:
        return ""
    return f", whose last layer learned from them too (of others expect {run.figure}, by cross-validation)"


def _gives_features(network: nn.Module, run: Run, task: Task, config: CompressConfig) -> bool:
    """Whether a classifier ships with what it looks at: it says so, and who is to learn from it does too."""
    if not task.labelled or not knowable(network):
        return False
    return config.distill is None or knowable(student_of(run, config.distill))


def _known(run: Run) -> Known | None:
    """What the run's network knows; one that comes of it sees otherwise (`known.py`)."""
    file = run.path / KNOWN
    return known_from(file.read_bytes(), str(file)) if file.exists() else None


def _calibration_pictures(run: Run, splits: Splits, config: CompressConfig) -> Pictures:
    """Pictures to find ranges with: a folder's, else the run's own training images."""
    images = (
        splits.first("train", "val")[0] if config.calibrate is None else load_pictures(config.calibrate, "--calibrate")
    )
    return pictures_of(images, run.pixels, most=config.calibration_images, seed=config.seed)
