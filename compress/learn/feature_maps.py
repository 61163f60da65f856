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
        self.pairs: list[int] = []  # places of the maps that can be compared
        self.adapter = nn.ModuleList()  # brings the student's channels to the teacher's, a pair each; it learns too

    def pair(self) -> None:
        """Say by the maps that are there which can be compared, and by what."""
        both = list(zip(self.student, self.teacher, strict=False))
        self.pairs = [at for at, (own, other) in enumerate(both) if _are_of_a_kind(own, other)]
        self.adapter.extend(_adapter(both[at][0].shape, both[at][1].shape) for at in self.pairs)

    def distance(self) -> Tensor:
        """Squared distance of maps of unit length, the mean over several."""
        apart = [
            _apart(adapter(self.student[at].float()), self.teacher[at].detach().float())
            for at, adapter in zip(self.pairs, self.adapter, strict=True)
        ]
        return torch.stack(apart).mean()


@contextmanager
def compared(
    student: nn.Module, teacher: nn.Module | None, pictures: NDArray[np.uint8]
) -> Iterator[FeatureMaps | None]:
    """Keep what both networks make of every batch meanwhile; None where one has no name for it, where their maps are of
    different kinds, or where there is no teacher.

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
        maps.pair()
        yield maps if maps.pairs else None


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


def _are_of_a_kind(own: Tensor, other: Tensor) -> bool:
    """Whether both are maps of places (B, C, H, W), or both rows of as many steps (B, N, C)."""
    return own.ndim == other.ndim and (own.ndim == 4 or own.shape[1] == other.shape[1])


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
