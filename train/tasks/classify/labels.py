"""A classifier's targets: one class a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.preprocess import PixelContract

from ...data.targets import DenseTargets, Targets

__all__ = ["class_ids", "class_targets"]


def class_targets(images: ImageSet, _pixels: PixelContract) -> Targets:
    """The class of each picture, as a tensor of ids."""
    return DenseTargets.of(images.labels.astype(np.int64))


def class_ids(targets: Targets) -> NDArray[np.int64]:
    """(N,) the class of each picture."""
    return np.asarray(targets.arrays()["values"], np.int64)
