"""What an identifier learns from: pictures of many identities, each on one side of every split."""

from __future__ import annotations

from dataclasses import replace

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError

from ...data.prepare import DataConfig, open_images

__all__ = ["open_identities"]

_LEAST = 4  # identities; fewer leave nobody to judge by


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
