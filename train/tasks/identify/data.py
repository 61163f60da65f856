"""What an identifier learns from: pictures of many identities, each on one side of every split."""

from __future__ import annotations

from dataclasses import replace

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError

from ...config import TrainConfig
from ...data.config import DataConfig
from ...data.prepare import open_images

__all__ = ["judged_by_several", "open_identities"]

_LEAST = 4  # identities; fewer leave nobody to judge by
_JUDGED = 3  # identities that validate at least, where that is not more than half of them


def open_identities(config: DataConfig) -> ImageSet:
    """The data set with each identity as a group: what is judged by was never seen."""
    images = open_images(config)
    pictures = images.counted()
    there, paired = int((pictures > 0).sum()), int((pictures > 1).sum())
    if there < _LEAST:
        raise DataError(
            f"{config.path}: shows {there} identities; the task identify learns to tell others apart by those it"
            f" has, at least {_LEAST}, better some dozens"
        )
    if paired < _LEAST:
        raise DataError(
            f"{config.path}: shows {paired} identities in two pictures or more; what stays the same of one is learned"
            f" from several, so {_LEAST} need them at least, better some dozens"
        )
    return replace(images, groups=[images.classes[label] for label in images.labels.tolist()])


def judged_by_several(config: TrainConfig, images: ImageSet) -> TrainConfig:
    """The configuration with a share for validation that holds several identities: one alone is always recognized."""
    if config.folds or not config.val or (images.splits == "val").any():
        return config
    there = int((images.counted() > 0).sum())
    return replace(config, val=max(config.val, min(_JUDGED, there // 2) / there))
