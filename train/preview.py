"""A look at what a training would see, without training."""

from __future__ import annotations

import numpy as np
import torch

from .augment.sheet import show_augmented
from .config import TrainConfig
from .data.prepare import prepare
from .ingredients import training_recipe
from .opening.choice import with_network
from .opening.opened import pixels_of
from .tasks.catalog import make_task

__all__ = ["show_augmented_data"]

_ROWS = 10


def show_augmented_data(config: TrainConfig, path: str) -> None:
    """Write a sheet of training pictures, spread over the classes, as they are and as the recipe changes them."""
    task = make_task(config)
    images = task.open_data(config.data_config())
    config, _ = with_network(config, images, task.looks)
    pixels = pixels_of(config, images, task.looks)
    data = prepare(config.data_config(), pixels, images=images)
    by_class = np.argsort(data.train.labels, kind="stable")
    rows = by_class[np.unique(np.linspace(0, len(by_class) - 1, _ROWS).astype(int))]
    pictures = torch.from_numpy(data.train.pictures.take(rows)).permute(0, 3, 1, 2)
    labels = torch.from_numpy(data.train.labels[rows])
    recipe = training_recipe(config, data, task)
    show_augmented(path, recipe, pictures, labels, classes=data.classes, seed=config.seed)
