"""The head once more, fitted on what a training has made of the trunk.

What the loss taught the last layer parts those that were learned; others to come are often told apart better by all
that the trunk has seen, weighed in closed form.
"""

from __future__ import annotations

import copy
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..batches import Batches
from ..task import Task
from .features import Embeds
from .first import give

__all__ = ["with_head_again"]

_TOGETHER = 32  # pictures at once


def with_head_again(network: nn.Module, data: Batches, task: Task) -> tuple[nn.Module, str]:
    """A copy of a network whose head was fitted on these pictures in closed form, and what people should know of it."""
    assert task.refit is not None
    other = copy.deepcopy(network).eval()
    head = task.refit(_seen(other, data), data.targets)
    give(other, head)
    return other, head.said


@torch.no_grad()
def _seen(network: nn.Module, data: Batches) -> NDArray[np.float32]:
    """What the head looks at, a row a picture."""
    parts = np.array_split(np.arange(len(data)), -(-len(data) // _TOGETHER))
    rows = [cast("Embeds", network).embedding(data.plain(part)) for part in parts]
    return torch.cat(rows).float().cpu().numpy()
