"""What pictures are to be answered with: one row a picture, or as many as there are things in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["DenseTargets", "RaggedTargets", "Targets", "targets_from"]

_STARTS = "starts"


class Targets(Protocol):
    """The targets of a split; a task knows what it picks of them."""

    def __len__(self) -> int:
        """Of so many pictures."""

    def pick(self, rows: NDArray[np.intp]) -> Any:
        """The targets of a batch, on the device that holds them."""

    def select(self, rows: NDArray[np.intp]) -> Targets:
        """Some of them, as targets of their own."""

    def to(self, device: torch.device) -> Targets:
        """The same on another device."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The same as plain arrays, which `targets_from` takes."""


@dataclass(frozen=True)
class DenseTargets:
    """One row a picture: a class, a number, a map. A batch's are a tensor (B, ...)."""

    values: Tensor  # (N, ...)

    @classmethod
    def of(cls, values: NDArray[Any]) -> DenseTargets:
        """The rows of an array."""
        return cls(torch.from_numpy(values))

    def __len__(self) -> int:
        return len(self.values)

    def pick(self, rows: NDArray[np.intp]) -> Tensor:
        """(B, ...)."""
        return self.values[torch.from_numpy(rows).to(self.values.device)]

    def select(self, rows: NDArray[np.intp]) -> DenseTargets:
        """Some of them."""
        return DenseTargets(self.pick(rows))

    def to(self, device: torch.device) -> DenseTargets:
        """The same on another device."""
        return DenseTargets(self.values.to(device))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The rows."""
        return {"values": self.values.cpu().numpy()}


@dataclass(frozen=True)
class RaggedTargets:
    """As many rows a picture as there are things in it. A batch's are such targets themselves, of B pictures."""

    columns: Mapping[str, Tensor]  # (R, ...) each: "boxes", "labels", …, picture after picture
    starts: Tensor  # (N + 1,) where each picture's rows begin; the last is R

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def counts(self) -> Tensor:
        """(N,) how many things are in each picture."""
        return self.starts.diff()

    @property
    def pictures(self) -> Tensor:
        """(R,) which picture each row belongs to."""
        return torch.repeat_interleave(torch.arange(len(self), device=self.starts.device), self.counts)

    def pick(self, rows: NDArray[np.intp]) -> RaggedTargets:
        """The targets of some pictures, in their order."""
        chosen = torch.from_numpy(rows).to(self.starts.device)
        first, counts = self.starts[chosen], self.counts[chosen]
        starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        within = torch.arange(int(starts[-1]), device=starts.device) - torch.repeat_interleave(starts[:-1], counts)
        places = torch.repeat_interleave(first, counts) + within
        return RaggedTargets({name: column[places] for name, column in self.columns.items()}, starts)

    select = pick

    def to(self, device: torch.device) -> RaggedTargets:
        """The same on another device."""
        return RaggedTargets({name: c.to(device) for name, c in self.columns.items()}, self.starts.to(device))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The columns, and where pictures begin."""
        columns = {name: column.cpu().numpy() for name, column in self.columns.items()}
        return {**columns, _STARTS: self.starts.cpu().numpy()}


def targets_from(arrays: Mapping[str, NDArray[Any]]) -> Targets:
    """Targets from what `arrays` gave."""
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    if _STARTS not in tensors:
        return DenseTargets(tensors["values"])
    starts = tensors.pop(_STARTS)
    return RaggedTargets(tensors, starts)
