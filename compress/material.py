"""What a compression works on: the network, the pictures it learns, calibrates and is judged by, its golden frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError, EdgelensError, UsageError
from edgelens.runtime.images.read import SUFFIXES
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.runs.run import Run

from .config import CompressConfig
from .learn.pictures import Pictures, pictures_of
from .network.answers import torch_logits
from .proof.golden import GoldenFrames, golden_frames

__all__ = ["Material", "calibration_folder", "material_of", "split_of"]


@dataclass(frozen=True)
class Material:
    """A trained network with everything that is asked of it."""

    run: Run
    network: nn.Module  # float, in evaluation mode: the reference of every later step
    calibration: NDArray[np.uint8]  # (N, H, W, C)
    validation: Pictures  # what choices are made on
    evaluation: Pictures  # what the card reports
    evaluated_on: str
    golden: GoldenFrames

    @property
    def pixels(self) -> PixelContract:
        """The picture that the network looks at."""
        return self.run.pixels


def material_of(run: Run, config: CompressConfig) -> Material:
    """A run's network and pictures; accuracy is reported on its test split, else on validation."""
    for label in config.background:
        if label not in run.classes:
            raise UsageError(f"--background {label}: is no class of this run; there are {', '.join(run.classes[:8])}")
    network = run.model()
    if not all(bool(torch.isfinite(value).all()) for value in network.state_dict().values()):
        raise DataError(f"{run.path}: the network's weights hold NaN or infinity: train it again")
    evaluation, which = split_of(run, "test", "val", "train")
    validation, _ = split_of(run, "val", "train")
    calibration = calibration_pictures(run, config)
    golden = golden_frames(validation, run.pixels, lambda pictures: torch_logits(network, pictures))
    held = pictures_of(evaluation, run.pixels, most=config.evaluation_images, seed=config.seed)
    checked = held if which == "val" else pictures_of(validation, run.pixels, most=2000, seed=config.seed)
    named = {"val": "validation", "train": "training"}.get(which, which)
    where = f"{len(held):,} {named} images of {Path(run.config.data).name}"
    return Material(run, network, calibration, checked, held, where, golden)


def split_of(run: Run, *names: str) -> tuple[ImageSet, str]:
    """The first of the run's splits that holds images, and its name."""
    for name in names:
        images = run.split(name)
        if len(images):
            return images, name
    raise DataError(f"{run.path}: has no images in its {' or '.join(names)} split")


def calibration_pictures(run: Run, config: CompressConfig) -> NDArray[np.uint8]:
    """Pictures to find ranges with: a folder's, else the run's own training images."""
    if config.calibrate is None:
        images, _ = split_of(run, "train", "val")
    else:
        images = calibration_folder(config.calibrate)
    return pictures_of(images, run.pixels, most=config.calibration_images, seed=config.seed).pixels


def calibration_folder(where: str) -> ImageSet:
    """Any folder of images, labelled or not."""
    path = Path(where)
    if not path.exists():
        raise DataError(f"--calibrate {where}: no such folder")
    try:
        return load_images(path)
    except EdgelensError:
        if not path.is_dir():
            raise
    names = sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not names:
        raise DataError(f"--calibrate {where}: holds no images; give a folder of photos like those it will see")
    labels = np.zeros(len(names), np.int32)
    return ImageSet(str(path), "folders", ("",), labels, np.full(len(names), ""), names)
