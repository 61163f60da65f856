"""The first answer: a head on what the frozen trunk makes of every photo, and what it answers to photos not learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError

from ..data.splits import folds
from ..data.train_data import TrainData
from ..task import Arrays, FittedHead, Targets, Task
from .features import features_of, trunk_key

__all__ = ["FirstAnswer", "answer_first", "embeds", "give"]

_FEW = 100  # validation photos under which all photos teach, and each is answered by a head that has not seen it
_FOLDS = 5


@dataclass(frozen=True)
class FirstAnswer:
    """What judges the head that a network now has: answers to photos that it was not fitted on."""

    outputs: Arrays  # (N, ...)
    targets: Targets
    images: ImageSet
    train_outputs: Arrays  # of the photos it was fitted on
    train_targets: Targets
    said: str
    crossed: bool  # whether each photo was answered by a head of its own, fitted on the others


def embeds(network: nn.Module) -> bool:
    """Whether a network says what its classifier looks at."""
    return callable(getattr(network, "embedding", None))


def answer_first(
    network: nn.Module,
    data: TrainData,
    task: Task,
    cache: Path,
    *,
    seed: int,
    groups: Sequence[str],
    own_validation: bool,
    seen: Callable[[int, int], None] = lambda _done, _of: None,
) -> FirstAnswer:
    """Fit the task's head on the network's frozen features and give it to the network.

    `groups` (one name a photo of `data.images`) stay on one side of every fold; a validation split that the data
    brings (`own_validation`) is left out of the fit, however small it is.
    """
    assert task.regress is not None
    key = trunk_key(network, task.heads)
    parts = [data.train, data.val]
    rows = [np.flatnonzero(data.splits == name) for name in ("train", "val")]
    features = [features_of(network, part.pictures, cache, key=key, seen=seen) for part in parts]
    crossed = len(data.val) < _FEW and not own_validation
    if crossed:
        order = np.argsort(np.concatenate(rows), kind="stable")
        known = np.concatenate([part for part in features if len(part)])[order]
        taught = np.sort(np.concatenate(rows))
    else:
        known, taught = features[0], rows[0]
    images = data.images.select(taught)
    targets = task.targets(images, data.pixels)
    head = task.regress(known, targets, _fold_of(images, [groups[i] for i in taught.tolist()], seed))
    give(network, head)
    own = _answers(network, known, task)
    if crossed:
        return FirstAnswer(head.outputs, targets, images, own, targets, head.said, crossed)
    held = data.val.images
    answers = _answers(network, features[1], task)
    return FirstAnswer(answers, task.targets(held, data.pixels), held, own, targets, head.said, crossed)


def _fold_of(images: ImageSet, groups: Sequence[str], seed: int) -> NDArray[np.intp]:
    count = min(_FOLDS, len(set(groups)))
    if count < 2:
        raise DataError(f"{images.root}: all photos are of one group: nothing is left to judge by")
    return folds(images.labels, groups, count, seed)


def give(network: nn.Module, head: FittedHead) -> None:
    """The head's weights to the network that has it."""
    own = dict(network.named_parameters())
    with torch.no_grad():
        for name, values in head.weights.items():
            own[name].copy_(torch.from_numpy(values))


@torch.inference_mode()
def _answers(network: nn.Module, features: NDArray[np.float32], task: Task) -> dict[str, NDArray[np.float32]]:
    """What the network's classifier makes of features."""
    classifier: nn.Module = network.get_submodule(task.heads[0])
    device = next(classifier.parameters()).device
    values: Tensor = classifier(torch.from_numpy(features).to(device))
    return {task.outputs[0]: values.cpu().numpy()}
