"""Pictures may be learnt smaller than they are; they validate as they are."""

from __future__ import annotations

import numpy as np
import torch

from edgelens.train.augment import recipe
from edgelens.train.batches import Batches
from edgelens.train.config import TrainConfig
from edgelens.train.data.targets import DenseTargets
from edgelens.train.tasks.catalog import make_task


def test_they_are_learnt_smaller_and_validate_whole() -> None:
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 64, 48, 3), np.uint8))
    batches = Batches(pixels, DenseTargets(torch.tensor([0, 1, 0, 1])), learnt_at=0.75)
    task = make_task(TrainConfig("", ""), ("a", "b"), (2, 2))
    rows = np.arange(4)
    learnt, targets = batches.augmented(rows, task, recipe("none"), 0, 0)
    assert learnt.shape == (4, 3, 48, 36)
    assert targets.shape == (4, 2)
    assert batches.plain(rows).shape == (4, 3, 64, 48)
    assert torch.allclose(learnt.mean((2, 3)), batches.plain(rows).mean((2, 3)), atol=0.02)
