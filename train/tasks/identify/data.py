"""What an identifier learns from: pictures of many identities, each on one side of every split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError

from ...data.config import DataConfig
from ...data.prepare import open_images

__all__ = ["open_identities"]

_LEAST = 4  # identities; fewer leave nobody to judge by


def open_identities(config: DataConfig) -> ImageSet:
    """The data set with each identity as a group: what is judged by was never seen."""
    images = open_images(config)
    there = np.unique(images.labels)
    if len(there) < _LEAST:
        raise DataError(
            f"{config.path}: shows {len(there)} identities; the task identify learns to tell others apart by those it"
            f" has, at least {_LEAST}, better some dozens"
        )
    return replace(images, groups=[images.classes[label] for label in images.labels.tolist()])
