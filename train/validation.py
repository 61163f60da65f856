"""How good a network is by now: a split's answers, their figures, and which of a training's networks is the best."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from .batches import Batches
from .ingredients import Ingredients
from .optimize.distributed import ALONE, World
from .optimize.precision import autocast
from .runs.checkpoint import Candidate, State
from .task import Outputs, Score, Task, by_name, keep_all

__all__ = ["answers", "best_of", "is_best"]

Rows = np.ndarray[Any, Any]

_FEW = 2000  # validation pictures up to which every epoch's answers are kept
_TELLING = 500  # validation pictures from which two networks of one training can be told apart
_PREDICTED = 2**18  # pixels that go through a network at once when nothing is learnt


@torch.no_grad()
def answers(network: nn.Module, data: Batches, task: Task, world: World = ALONE) -> Iterator[tuple[Rows, Outputs]]:
    """A split's outputs in float32, batch by batch, with the batch's rows; every process asks for its share."""
    network.eval()
    mine = world.share(np.arange(len(data)))
    batch = max(1, _PREDICTED // (data.pixels.shape[1] * data.pixels.shape[2]))
    for rows in np.array_split(mine, -(-len(mine) // batch)) if len(mine) else ():
        with autocast(data.mode, world.device):
            outputs = by_name(network(data.plain(rows)), task.outputs)
        yield rows, {name: values.float() for name, values in outputs.items()}


def best_of(state: State, made_of: Ingredients, world: World) -> tuple[nn.Module, dict[str, float]]:
    """Of the networks that may be the best the one that does best on the validation split, and how well it does."""
    score = made_of.task.score
    best, figures = None, {}
    for network in _candidates(state, len(made_of.val)):
        found = _measured(network, made_of, state, world)
        if best is None or score.better(found[score.name], figures[score.name]):
            best, figures = network, found
    assert best is not None
    return best, {f"val_{name}": value for name, value in figures.items()}


def is_best(row: dict[str, float], state: State, score: Score) -> bool:
    """Whether an epoch did better than all before; of equal ones (few pictures validate) that with the lower loss."""
    value = row[f"val_{score.name}"]
    if state.best_epoch < 0:
        return True
    if value != state.best or state.best_epoch == 0:  # 0: a head was there before the first epoch
        return score.better(value, state.best)
    return row["val_loss"] < state.history[state.best_epoch - 1]["val_loss"]


def _candidates(state: State, judged_on: int) -> list[nn.Module]:
    """What may be the best; of equally good ones the first is taken.

    Where the start knew much, the network itself has come too far, and whether its average has, many pictures can say.
    """
    if state.average is None:
        return [state.network]
    if state.average.start is None:
        return [state.average.network, state.network]
    halfway = state.average.halfway()
    return [halfway, state.average.network] if judged_on >= _TELLING else [halfway]


def _measured(network: nn.Module, made_of: Ingredients, state: State, world: World) -> dict[str, float]:
    """The validation split's figures; what the processes counted is put together.

    Of few pictures the answers are kept too: how good the best epoch is, they can only say together.
    """
    task, data = made_of.task, made_of.val
    meter, parts = task.meter(), []
    few = world.size == 1 and len(data) <= _FEW and task.keep is keep_all and task.alone
    for rows, outputs in answers(network, data, task, world):
        meter.add(outputs, data.targets.pick(rows))
        if few:
            parts.append({name: values.cpu() for name, values in outputs.items()})
    if world.size > 1:
        meter.merge(world.gathered(meter.state()))
    if few:
        row = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        state.candidates.append(Candidate(state.epoch + 1, row))
    return meter.result()
