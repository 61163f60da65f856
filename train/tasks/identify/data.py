"""What an identifier learns from: pictures of many identities, each on one side of every split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError

from ...config import TrainConfig
from ...data.config import DataConfig
from ...data.prepare import open_images

__all__ = ["judged_by_several", "open_identities"]

_LEAST = 4  # identities; fewer leave nobody to judge by
_JUDGED = 3  # identities that validate at least, where that is not more than half of them


def open_identities(config: DataConfig) -> ImageSet:
    """The data set with each identity as a group: what is judged by was never seen.

    Where the data's own validation shows whom its training shows, the two are put together, to be shared out by
    identity; what it keeps for a test is never learned.
    """
    images = open_images(config)
    pictures = images.counted()
    there, paired = int((pictures > 0).sum()), int((pictures > 1).sum())
    if there < _LEAST:
        raise DataError(
            f"{config.path}: shows {_identities(there)}; the task identify learns to tell others apart by those it"
            f" has, at least {_LEAST}, better some dozens"
        )
    if paired < _LEAST:
        raise DataError(
            f"{config.path}: shows {_identities(paired)} in two pictures or more; what stays the same of one is learned"
            f" from several, so {_LEAST} need them at least, better some dozens"
        )
    images = replace(images, groups=[images.classes[label] for label in images.labels.tolist()])
    if again := _learned_and_in(images, "val"):
        said = (
            f"{again} identities are in train and in val: the two are put together and whoever validates is drawn by"
            " identity; evaluate by other pictures than val's"
        )
        splits = np.where(images.splits == "val", "train", images.splits)
        images = replace(images, splits=splits, notes=(*images.notes, said))
    if again := _learned_and_in(images, "test"):
        said = f"{again} identities of test are learned from other pictures: it says little of those to come"
        images = replace(images, notes=(*images.notes, said))
    return images


def _learned_and_in(images: ImageSet, split: str) -> int:
    """How many identities a split shares with what is learned from."""
    learned = images.labels[np.isin(images.splits, ["train", ""])]
    return len(np.intersect1d(learned, images.labels[images.splits == split]))


def judged_by_several(config: TrainConfig, images: ImageSet) -> TrainConfig:
    """The configuration with a share for validation that holds several identities: one alone is always recognized."""
    if config.folds or not config.val or (images.splits == "val").any():
        return config
    there = int((images.select(images.splits != "test").counted() > 0).sum())
    return replace(config, val=max(config.val, min(_JUDGED, there // 2) / there))


def _identities(count: int) -> str:
    return "1 identity" if count == 1 else f"{count} identities"
