"""A look at what a training would see, without training: by the very task, recipe and pictures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..augment.sheet import write_sheet
from ..batches import Batches
from ..config import TrainConfig
from ..data.prepare import prepare
from ..head.tuning import gentle
from ..ingredients import learnt_at_of, training_counts, training_recipe
from ..tasks.catalog import make_network, make_task
from .choice import chosen_for, pixels_of
from .given import refuse_useless
from .opened import answers_first, with_own_start

__all__ = ["show_augmented_data"]

_ROWS, _EPOCHS = 10, 8


def show_augmented_data(config: TrainConfig, path: str, given: Mapping[str, str] = {}) -> None:
    """Write a sheet of training pictures, spread over the classes, as they are and as the recipe changes them.

    `given` says which options a person gave, as they were written; what training refuses of them is refused.
    """
    task = make_task(config)
    images = task.open_data(config.data_config())
    config, task, _ = chosen_for(config, task, images)
    refuse_useless(given, config)
    pixels = pixels_of(config, images, task.looks)
    config = with_own_start(config, task, images, pixels)
    data = prepare(config.data_config(), pixels, images=images)
    if answers_first(config, task, make_network(config, images.classes, pixels)):
        config = gentle(config, pixels.height, len(data.train))
    by_class = np.argsort(data.train.labels, kind="stable")
    rows = by_class[np.unique(np.linspace(0, len(by_class) - 1, _ROWS).astype(int))]
    task = make_task(config, data.classes, training_counts(data))
    targets = task.targets(data.train.images, pixels)
    batches = Batches(data.train.pictures, targets, learnt_at=learnt_at_of(config, task))
    recipe = training_recipe(config, data, task)
    later = [batches.augmented(rows, task, recipe, config.seed, epoch)[0] for epoch in range(_EPOCHS)]
    write_sheet(path, [batches.plain(rows), *later], [data.classes[label] for label in data.train.labels[rows]])
