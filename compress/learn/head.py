"""A head fitted anew on what a changed trunk makes of pictures: in seconds, where learning takes minutes."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from edgelens.train.head.first import embeds, give

from ..network.knowing import network_itself
from .lesson import Lesson

__all__ = ["fit_head"]

_FOLDS = 5


@torch.no_grad()
def fit_head(network: nn.Module, lesson: Lesson) -> bool:
    """Fit a network's head on a lesson's pictures as they are; False where the task cannot do that, and it stays.

    In training its normalisations see a batch at a time, as they will while it learns; in evaluation they are what
    they learned.
    """
    own = network_itself(network)
    if lesson.task.regress is None or not embeds(own):
        return False
    pictures = lesson.pictures
    embedded = [own.embedding(inputs) for inputs, _ in lesson.plain(len(pictures))]  # type: ignore[operator]
    rows, targets = torch.cat(embedded).numpy(), lesson.targets.select(pictures.rows)
    if lesson.task.refit is not None:  # it knows which pictures must not be parted where something is chosen
        give(own, lesson.task.refit(rows, targets))
    else:
        give(own, lesson.task.regress(rows, targets, np.arange(len(pictures)) % _FOLDS))
    return True
