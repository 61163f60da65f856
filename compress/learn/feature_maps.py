"""The maps that a student and its teacher answer from, and how far apart they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.train.augment import normalised

from ..network.knowing import network_itself

__all__ = ["FeatureMaps", "compared"]


class FeatureMaps:
    """What two networks last made of a batch, (B, ...) each, one map or several."""

    def __init__(self) -> None:
        self.student: list[Tensor] = []
        self.teacher: list[Tensor] = []
        self.adapter = nn.ModuleList()  # brings the student's channels to the teacher's; it learns too

    def distance(self) -> Tensor:
        """Squared distance of maps of unit length, the mean over several."""
        pairs = zip(self.adapter, self.student, self.teacher, strict=False)
        apart = [_apart(adapter(own.float()), other.detach().float()) for adapter, own, other in pairs]
        return torch.stack(apart).mean()


@contextmanager
def compared(
    student: nn.Module, teacher: nn.Module | None, pictures: NDArray[np.uint8]
) -> Iterator[FeatureMaps | None]:
    """Keep what both networks make of every batch meanwhile; None where one has no name for it, or there is no teacher.

    Some pictures (N, H, W, C) say how many channels each has.
    """
    looking = [network_itself(network) for network in (student, teacher) if network is not None]
    if teacher is None or not all(hasattr(network, "forward_features") for network in looking):
        yield None
        return
    maps = FeatureMaps()
    inputs = normalised(torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))))
    with _kept(looking[0], maps.student), _kept(looking[1], maps.teacher):
        with torch.no_grad():
            student(inputs)
            teacher(inputs)
        maps.adapter.extend(
            _adapter(own.shape, other.shape) for own, other in zip(maps.student, maps.teacher, strict=False)
        )
        yield maps


@contextmanager
def _kept(network: nn.Module, kept: list[Tensor]) -> Iterator[None]:
    """Have a network leave its last maps in a list, until it is as it was."""
    original: Any = network.forward_features

    def watched(x: Tensor) -> Any:
        maps = original(x)
        kept[:] = maps.values() if isinstance(maps, Mapping) else [maps]
        return maps

    network.forward_features = watched  # type: ignore[assignment]
    try:
        yield
    finally:
        del network.forward_features


def _adapter(own: Sequence[int], other: Sequence[int]) -> nn.Module:
    """What brings one map's channels to another's."""
    if len(own) == 4 and own[1] != other[1]:
        return nn.Conv2d(own[1], other[1], 1, bias=False)
    if len(own) == 3 and own[2] != other[2]:
        return nn.Linear(own[2], other[2], bias=False)
    return nn.Identity()


def _apart(own: Tensor, other: Tensor) -> Tensor:
    if own.ndim == 4 and own.shape[2:] != other.shape[2:]:
        other = F.adaptive_avg_pool2d(other, (own.shape[2], own.shape[3]))
    return (F.normalize(own.flatten(1), dim=1) - F.normalize(other.flatten(1), dim=1)).square().sum(1).mean()
