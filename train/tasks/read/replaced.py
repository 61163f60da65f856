"""A batch in which some pictures have given way to others, made up here, with what is written in those."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...data.targets import RaggedTargets
from ...task import Draw
from .data import targets_of

__all__ = ["replaced", "rows_to_replace"]


def rows_to_replace(draw: Draw, share: float) -> list[tuple[int, np.random.Generator]]:
    """The rows of a batch that give way, with the draws of what takes their place: a picture's own in every epoch."""
    picked = []
    for row, sample in enumerate(draw.samples.tolist()):
        chance = np.random.default_rng((draw.seed, draw.epoch, sample))
        if chance.random() < share:
            picked.append((row, chance))
    return picked


def replaced(
    pixels: Tensor,
    targets: RaggedTargets,
    rows: Sequence[int],
    made: Sequence[tuple[NDArray[np.uint8], str]],
    alphabet: str,
) -> tuple[Tensor, RaggedTargets]:
    """The batch (B, C, H, W) uint8 and its targets with these pictures (C, H, W) and their texts in the rows."""
    pixels = pixels.clone()
    for row, (image, _) in zip(rows, made, strict=True):
        pixels[row] = torch.from_numpy(image)
    written = targets_of([text for _, text in made], alphabet)
    others = {row: written.select(np.array([at])) for at, row in enumerate(rows)}
    parts = [others.get(row) or targets.select(np.array([row])) for row in range(len(targets))]
    characters = torch.cat([part.columns["characters"] for part in parts])
    counts = torch.tensor([0, *(len(part.columns["characters"]) for part in parts)])
    return pixels, RaggedTargets({"characters": characters}, counts.cumsum(0))
