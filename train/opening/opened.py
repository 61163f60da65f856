"""A training before its first step: its data, its network with first weights, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import UsageError

from ..config import BACKBONE, EPOCHS, TrainConfig
from ..data.check_table import check_table
from ..data.picture import choose_pixels
from ..data.prepare import TrainData, prepare
from ..data.share import cut
from ..head.first import embeds
from ..models.cost import cost_of
from ..runs.checkpoint import check_room
from ..runs.run import Run
from ..start import pretrained
from ..start.transfer import freeze, start_from
from ..start.unlabelled import with_unlabelled
from ..task import Task
from ..tasks.catalog import make_network, make_task
from .choice import with_network

__all__ = ["Opened", "opened", "settled"]

_BATCH, _FEW_BATCH = 128, 32
_MOST_EPOCHS = 100
_STEPS = 1500  # at least, in all; of 240 faces 60 epochs got all right in validation where 30 got 88 % right
_FEW = 1500  # training images; of 720 photos 32 a step got 68 % right where 128 got 62


@dataclass(frozen=True)
class Opened:
    """A training before its first step."""

    config: TrainConfig
    network: nn.Module  # with its first weights
    data: TrainData
    started: str | None  # where the first weights come from; None: from chance
    said: list[str]
    own_validation: bool  # whether the data brought a validation split
    answers_first: bool  # whether a head on the frozen network is a first answer


def opened(
    config: TrainConfig, earlier: Run | None, *, leads: bool, alone: bool, reading: Callable[[str, int, int], None]
) -> Opened:
    """Open the data, build the network, give it its first weights; refuse what cannot work before anything is written.

    `alone` says that no other process trains along.
    """
    task = make_task(config)
    images = task.open_data(config.data_config())
    config = config if task.suited is None else task.suited(config, images)
    config, chosen = with_network(config, images)
    asked = (config.model, config.size, config.color, config.resize)
    pixels = earlier.pixels if earlier else choose_pixels(images, *asked)
    torch.manual_seed(config.seed)
    network = make_network(config, images.classes, pixels)
    cost = cost_of(network, pixels.channels, (pixels.height, pixels.width))
    said, started = [chosen] if chosen else [], None
    said.append(f"{config.model} for {pixels.width}×{pixels.height} {pixels.color}: {cost}")
    if not earlier:
        by_itself = task.backbone and pretrained.suits(config, images, pixels)
        config = replace(config, start=BACKBONE) if by_itself else config
        if config.start:
            started = _started(network, config, task)
            why = f"; {pretrained.STARTS[config.model].why}, --scratch turns it off" if by_itself else ""
            said.append(f"starts from {started}{why}")
    first = task.regress is not None and config.start == BACKBONE and embeds(network) and alone
    first = first and pretrained.STARTS[config.model].frozen and config.options.width == 1
    if config.minutes and not first:
        raise UsageError(f"--minutes: is for networks that have seen the world (lite0); {config.model} has --epochs")
    if config.freeze:
        said.append(f"frozen: {freeze(network, config.freeze, task.heads):,} weights")
    data = prepare(config.data_config(), pixels, images=images, progress=reading)
    data = cut(data, config.share, config.seed)
    if config.unlabelled and first:
        raise UsageError(f"--unlabelled: is for networks that learn all from the start; {config.model} knows the world")
    if config.unlabelled and config.teacher:
        before = len(data.train)
        data = with_unlabelled(data, config.unlabelled, config.teacher)
        said.append(f"the teacher names {len(data.train) - before:,} more photos of {config.unlabelled}")
    if not first:
        config = settled(config, len(data.train))
    if leads:
        check_room(Path(config.out), network)
    own = _has_validation(images)
    return Opened(config, network, data, started, [*said, *images.notes, *check_table(data.check)], own, first)


def settled(config: TrainConfig, images: int) -> TrainConfig:
    """Images a step and epochs where they were left open: of few images fewer a step, and more often."""
    batch = config.batch or (_BATCH if images > _FEW else _FEW_BATCH)
    epochs = config.epochs or min(max(EPOCHS, _STEPS * batch // images), _MOST_EPOCHS)
    return replace(config, batch=batch, epochs=epochs)


def _started(network: nn.Module, config: TrainConfig, task: Task) -> str:
    """Give a network its first weights, and say whose they are."""
    assert config.start is not None
    taken = start_from(network, config.start, task.heads, model=config.model)
    source = pretrained.STARTS[config.model].said() if config.start == BACKBONE else config.start
    return f"{source}: {taken}"


def _has_validation(images: ImageSet) -> bool:
    return bool((images.splits == "val").any())
