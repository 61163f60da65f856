"""A training before its first step: its data, its network with first weights, and what is to be said of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import UsageError
from edgelens.runtime.preprocess import PixelContract

from ..config import BACKBONE, TrainConfig
from ..data.check_table import check_table
from ..data.folder import cache_folder
from ..data.prepare import prepare
from ..data.share import cut
from ..data.train_data import TrainData
from ..head.first import answer_first, embeds
from ..ingredients import training_counts
from ..models.cost import cost_of
from ..runs.checkpoint import check_room
from ..runs.run import Run
from ..start import pretrained
from ..start.earlier import known_before, only_its_head_learned, origin, run_at
from ..start.transfer import freeze, start_from
from ..start.unlabelled import with_unlabelled
from ..task import Pace, Task
from ..tasks.catalog import make_network, make_task
from .choice import chosen_for, pixels_of
from .given import refuse_useless

__all__ = ["Opened", "answers_first", "opened", "settled", "with_own_start"]


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
    known_before: int = 0  # pictures that validate and that the run it starts from had learned


def opened(
    config: TrainConfig,
    earlier: Run | None,
    *,
    leads: bool,
    alone: bool,
    reading: Callable[[str, int, int], None],
    given: Mapping[str, str] = {},
) -> Opened:
    """Open the data, build the network, give it its first weights; refuse what cannot work before anything is written.

    `alone` says that no other process trains along, `given` which options a person gave: name → as it was written.
    """
    task = make_task(config)
    images = task.open_data(config.data_config())
    config, task, chosen = chosen_for(config, task, images)
    pixels = earlier.pixels if earlier else pixels_of(config, images, task.looks)
    torch.manual_seed(config.seed)
    network = make_network(config, images.classes, pixels)
    refuse_useless(given, config)
    cost = cost_of(network, pixels.channels, (pixels.height, pixels.width))
    said, started = [chosen] if chosen else [], None
    said.append(f"{config.model} for {pixels.width}×{pixels.height} {pixels.color}: {cost}")
    if not earlier:
        asked, config = config, with_own_start(config, task, images, pixels)
        if config.start:
            started = _started(network, config, task)
            why = f"; {pretrained.STARTS[config.model].why}, --scratch turns it off" if asked.start is None else ""
            said.append(f"starts from {started}{why}")
    first = alone and answers_first(config, task, network)
    if config.freeze:
        said.append(f"frozen: {freeze(network, config.freeze, task.heads):,} weights")
    data = prepare(config.data_config(), pixels, images=images, progress=reading)
    data = cut(data, config.share, config.seed)
    if config.unlabelled and first:
        raise UsageError(f"--unlabelled: is for networks that learn all from the start; {config.model} knows the world")
    if config.unlabelled and config.teacher:
        data, named = with_unlabelled(
            data, config.unlabelled, config.teacher, lambda done, of: reading("looking at", done, of)
        )
        said.append(named)
    known, told = (0, "") if earlier else _known_before(network, config, data, reading)
    said += [told] if told else []
    if not first:
        if config.minutes == 0 and "minutes" in given:
            raise UsageError(
                f"{given['minutes']} 0: leaves a head on a frozen network; here {config.model} learns all of it"
            )
        pace = task.pace_of_known if pretrained.knows_the_world(config) else None
        config = settled(config, len(data.train), pace or task.pace)
        _check_smallest_step(network, config, len(data.train), pixels)
    if leads:
        check_room(Path(config.out), network)
    own = _has_validation(images)
    return Opened(config, network, data, started, [*said, *images.notes, *check_table(data.check)], own, first, known)


def with_own_start(config: TrainConfig, task: Task, images: ImageSet, pixels: PixelContract) -> TrainConfig:
    """The configuration with the network's own weights as its start, where they are taken unasked."""
    return replace(config, start=BACKBONE) if task.backbone and pretrained.suits(config, images, pixels) else config


def answers_first(config: TrainConfig, task: Task, network: nn.Module) -> bool:
    """Whether a head on the frozen network is a first answer."""
    whole = pretrained.knows_the_world(config) and config.options.width == 1
    return whole and task.regress is not None and embeds(network)


def settled(config: TrainConfig, images: int, pace: Pace) -> TrainConfig:
    """Images a step and epochs where they were left open; epochs only where no minutes decide them later."""
    batch = config.batch or pace.per_step(images)
    if config.epochs or config.minutes:
        return replace(config, batch=batch)
    return replace(config, batch=batch, epochs=min(max(pace.epochs, pace.steps * batch // images), pace.most_epochs))


def _check_smallest_step(network: nn.Module, config: TrainConfig, images: int, pixels: PixelContract) -> None:
    """Refuse steps of one picture where a normalisation would have one value a channel to go by."""
    if images // max(1, round(images / config.batch)) > 1:
        return
    try:
        with torch.no_grad():
            copy.deepcopy(network).train()(torch.zeros(1, pixels.channels, pixels.height, pixels.width))
    except ValueError:
        raise UsageError(
            f"--batch {config.batch}: makes steps of one picture of {images:,}, of which {config.model} has maps of one"
            " pixel: a mean and a spread need two; take another --batch or a larger --size"
        ) from None


def _started(network: nn.Module, config: TrainConfig, task: Task) -> str:
    """Give a network its first weights, and say whose they are."""
    assert config.start is not None
    taken = start_from(network, config.start, task.heads, model=config.model, task=config.task)
    source = pretrained.STARTS[config.model].said() if config.start == BACKBONE else origin(config.start)
    return f"{source}: {taken}"


def _known_before(
    network: nn.Module, config: TrainConfig, data: TrainData, reading: Callable[[str, int, int], None]
) -> tuple[int, str]:
    """How many pictures that validate the first weights had learned, and what is to be said of that.

    Where only a head had learned them, it is fitted anew without them.
    """
    run = run_at(config.start) if config.start else None
    count = known_before(run, config, data) if run else 0
    if run is None or not count:
        return 0, ""
    task = make_task(config, data.classes, training_counts(data))
    if not (only_its_head_learned(run) and task.regress is not None and embeds(network)):
        return count, f"warning: {count:,} of the {len(data.val):,} images that validate were learned by {config.start}"
    answer_first(
        network.eval(),
        data,
        task,
        cache_folder(config.cache),
        seed=config.seed,
        groups=data.groups,
        own_validation=True,
        seen=lambda done, of: reading("looking at", done, of),
    )
    return 0, f"its head is fitted anew: that of {config.start} had learned {count:,} images that validate here"


def _has_validation(images: ImageSet) -> bool:
    return bool((images.splits == "val").any())
