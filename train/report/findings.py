"""All that a report speaks of, as it was gathered from a run's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.preprocess import PixelContract

from ..config import TrainConfig
from ..data.targets import Targets
from .score import Score

__all__ = ["CurvePoint", "Findings"]


@dataclass(frozen=True)
class CurvePoint:
    """A training on a part of the images: how many, and how well it did."""

    images: int
    score: float
    error: float  # the score's standard error; NaN where it is not known


@dataclass(frozen=True)
class Findings:
    """A finished run's figures; of its answers, outputs by name and targets."""

    name: str  # of the run
    config: TrainConfig
    classes: tuple[str, ...]
    pixels: PixelContract
    decode: Decode  # as the scores were settled
    score: Score
    basis: str  # whose answers the validation's are, in words
    best_epoch: int
    network: Mapping[str, Any]  # parameters, macs
    environment: Mapping[str, Any]
    source: Mapping[str, Any]  # of the data
    started: str | None  # whose weights were taken over
    history: Sequence[Mapping[str, float]]  # one row an epoch
    steps: Sequence[Mapping[str, float]]
    val: Mapping[str, NDArray[np.float32]]  # (N, ...) a name
    val_targets: Targets
    train: Mapping[str, NDArray[np.float32]]  # of unaugmented training pictures, some thousand at most
    train_targets: Targets
    check: Mapping[str, Any]  # what `DataCheck` found
    curve: Sequence[CurvePoint]
    images: Callable[[], ImageSet | None]  # the validation pictures; None where they are no longer there
    model: Callable[[], nn.Module]  # the network with its best weights
    judging: str = "validation"  # which images judge it, in a word: training images where no others were left
