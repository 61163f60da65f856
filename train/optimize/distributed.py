"""Several processes, on one machine or many, as `torchrun` starts them: each works on its share of every batch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from edgelens.runtime.errors import UsageError

T = TypeVar("T")

__all__ = ["ALONE", "World", "joined"]


@dataclass(frozen=True)
class World:
    """How many processes train together, and which of them this is."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def leads(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def share(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """This process's part of a batch; neighbours stay together, for they are what mixing recipes mix."""
        ends = len(rows) * np.arange(self.size + 1) // self.size
        if len(rows) >= 4 * self.size:
            ends[1:-1] -= ends[1:-1] % 2
        return rows[ends[self.rank] : ends[self.rank + 1]]

    def parts(self, rows: NDArray[np.intp], most: int) -> list[NDArray[np.intp]]:
        """This process's part of a batch, in as many steps as every other's: about so many rows of all a step."""
        return np.array_split(self.share(rows), max(1, round(len(rows) / most)))

    def wrapped(self, network: nn.Module) -> nn.Module:
        """The network as it is trained: gradients are averaged over the processes on their way back."""
        if self.size == 1:
            return network
        return DistributedDataParallel(network, forward_sync_buffers=False)

    def summed(self, values: Tensor) -> Tensor:
        """The sum over all processes."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def gathered(self, value: T) -> list[T]:
        """What each process says, in the order of their ranks."""
        if self.size == 1:
            return [value]
        box: list[T | None] = [None] * self.size
        dist.all_gather_object(box, value)
        return cast("list[T]", box)

    def told(self, value: T) -> T:
        """What the leading process says, in all of them."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=self.device if self.device.type == "cuda" else None)
        return box[0]


ALONE = World()


@contextlib.contextmanager
def joined(device: str | None = None) -> Iterator[World]:
    """The world that torchrun's environment describes, or this process alone."""
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch sees no GPU here; leave it out, or install a torch built for one")
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World(device=torch.device(kind))
        return
    place = torch.device(kind, int(os.environ.get("LOCAL_RANK", "0"))) if kind == "cuda" else torch.device("cpu")
    if place.type == "cuda":
        torch.cuda.set_device(place)
    dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size(), place)
    finally:
        dist.destroy_process_group()
