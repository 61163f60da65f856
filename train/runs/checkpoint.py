"""All that a training carries from step to step, on disk: `kill -9` at any moment loses at most a minute."""

from __future__ import annotations

import io
import pickle
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from edgelens.runtime.errors import DataError, WorkError
from edgelens.runtime.host.files import replacing

from ..optimize.average import Average
from .torch_file import write_torch

__all__ = ["Candidate", "State", "check_room", "go_back_to_best", "load_state", "save_state"]

_PLAIN = ("epoch", "step", "loss_sum", "best", "best_epoch", "recoveries", "rate_scale", "history", "steps")


@dataclass(frozen=True)
class Candidate:
    """What the network of one epoch answered to the validation split: outputs (N, ...) by name."""

    epoch: int
    outputs: dict[str, Tensor]


@dataclass
class State:
    """Where a training stands."""

    network: nn.Module
    optimizer: Optimizer
    average: Average | None = None
    epoch: int = 0
    step: int = 0  # within the epoch
    loss_sum: float = 0.0  # over the epoch's samples so far
    best: float = -1.0
    best_epoch: int = -1
    recoveries: int = 0
    rate_scale: float = 1.0  # what recoveries left of the learning rate
    history: list[dict[str, float]] = field(default_factory=list)  # one row an epoch
    steps: list[list[float]] = field(default_factory=list)  # rows of `STEP_COLUMNS`
    candidates: list[Candidate] = field(default_factory=list)  # where few pictures validate; else none


def save_state(state: State, path: Path) -> None:
    """Write a checkpoint beside its place and put it there."""
    values: dict[str, Any] = {name: getattr(state, name) for name in _PLAIN}
    values["network"] = state.network.state_dict()
    values["optimizer"] = state.optimizer.state_dict()
    values["candidates"] = [(each.epoch, each.outputs) for each in state.candidates]
    if state.average:
        values["average"] = state.average.network.state_dict()
        values["updates"] = state.average.updates
        values["start"] = state.average.start
    with replacing(path) as stream:
        write_torch(values, stream)


def load_state(state: State, data: bytes, where: Path) -> None:
    """Bring a training to where a checkpoint left it."""
    try:
        values = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        state.network.load_state_dict(values["network"])
        state.optimizer.load_state_dict(values["optimizer"])
        if state.average:
            state.average.network.load_state_dict(values["average"])
            state.average.updates = values["updates"]
            for mine, kept in zip(state.average.start or (), values.get("start") or (), strict=True):
                mine.copy_(kept)
        for name in _PLAIN:
            setattr(state, name, values[name])
        state.candidates = [Candidate(*each) for each in values.get("candidates", ())]  # an earlier kit kept none
    except (pickle.UnpicklingError, RuntimeError, KeyError, ValueError, EOFError) as error:
        reason = str(error).partition("\n")[0] or "cut short"
        raise DataError(f"{where}: is no checkpoint of this run ({reason})") from None


def go_back_to_best(state: State, weights: bytes) -> None:
    """Bring a training back to the end of its best epoch, whose weights these are."""
    tensors = safetensors.torch.load(weights)
    for network in (state.network, *([state.average.network] if state.average else [])):
        network.load_state_dict(tensors)
    state.epoch, state.step, state.loss_sum = state.best_epoch, 0, 0.0
    state.history = [row for row in state.history if row["epoch"] <= state.epoch]
    state.steps = [row for row in state.steps if row[0] <= state.epoch]
    state.candidates = [each for each in state.candidates if each.epoch <= state.epoch]


def check_room(folder: Path, network: nn.Module) -> None:
    """Be sure that checkpoints will fit into a run's folder, before hours are spent."""
    weights = sum(t.numel() * t.element_size() for t in network.state_dict().values())
    needed = (
        10 * weights + 4 * 2**20
    )  # weights, average, two optimizer moments, each twice while replaced, and the best
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise WorkError(
            f"{folder}: {free / 2**20:,.0f} MB are free and this run needs {needed / 2**20:,.0f}: make room or"
            " choose another --out"
        )
