"""A recipe applied to a whole batch: pixels in, what the network sees out."""

from __future__ import annotations

import torch
from torch import Tensor

from . import colour, cutmix, flip, mixup, perspective, policy, resized_crop, shift, turn
from .camera import shoot
from .erasing import erase
from .mixing import mixed, mixed_targets
from .random.draws import Draws
from .recipe import Recipe
from .warp import warp

__all__ = ["apply", "moves", "normalised", "recoloured", "shares"]


def apply(
    recipe: Recipe, batch: Tensor, targets: Tensor, *, seed: int, epoch: int, samples: Tensor, classes: int
) -> tuple[Tensor, Tensor]:
    """Pixels (B, C, H, W) uint8 as augmented, normalised float32, channels last; and what the targets (B,) became.

    `samples` (B,) are the pictures' indices in the data set: with seed and epoch they decide every draw. Targets are
    class ids as given, or (B, classes) probabilities where the recipe mixes pictures.
    """
    draws = Draws.of(seed, epoch, samples.to(batch.device))
    images = normalised(batch)
    matrices = moves(recipe, draws, images.shape[2], images.shape[3])
    if matrices is not None:
        images = warp(images, matrices, perspective=recipe.perspective is not None)
    images = recoloured(recipe, images, draws).clamp(-1, 127 / 128)
    share = shares(recipe, draws, images.shape[2], images.shape[3])
    if share is not None:
        images = mixed(images, share)
        targets = mixed_targets(targets, share, classes)
    return images.contiguous(memory_format=torch.channels_last), targets


def normalised(batch: Tensor) -> Tensor:
    """(pixel - 128) / 128 as float32, a plane a channel: the resampling is fastest so."""
    return batch.contiguous().to(torch.float32).sub_(128).mul_(1 / 128)


def shares(recipe: Recipe, draws: Draws, height: int, width: int) -> Tensor | None:
    """(B, 1, H or 1, W or 1): how much of each sample's pixels stays its own; None where the recipe mixes nothing."""
    share = None
    if recipe.mixup:
        share = mixup.share(recipe.mixup, draws)
    if recipe.cutmix:
        pasted = cutmix.share(recipe.cutmix, draws, height, width)
        # a sample that CutMix takes is not mixed up as well
        share = pasted if share is None else torch.where(pasted.amin((1, 2, 3), True) < 1, pasted, share)
    return share


def recoloured(recipe: Recipe, images: Tensor, draws: Draws) -> Tensor:
    """Normalised images after all of a recipe that moves nothing."""
    if recipe.colour:
        images = colour.recolour(images, colour.amounts(recipe.colour, draws))
    if recipe.policy:
        images = colour.recolour(images, policy.colours(recipe.policy, draws))
        images = policy.tones(images, recipe.policy, draws)
    if recipe.camera:
        images = shoot(images, recipe.camera, draws)
    if recipe.erasing:
        images = erase(images, recipe.erasing, draws)
    return images


def moves(recipe: Recipe, draws: Draws, height: int, width: int) -> Tensor | None:
    """(B, 3, 3): all that moves pixels in one; None where nothing does."""
    parts = []
    if recipe.perspective:
        parts.append(perspective.matrices(recipe.perspective, draws))
    if recipe.turn:
        parts.append(turn.matrices(recipe.turn, draws))
    if recipe.policy:
        parts.append(policy.matrices(recipe.policy, draws))
    if recipe.resized_crop:
        parts.append(resized_crop.matrices(recipe.resized_crop, draws, height, width))
    if recipe.shift:
        parts.append(shift.matrices(recipe.shift, draws, min(height, width)))
    if recipe.flip:
        parts.append(flip.matrices(recipe.flip, draws))
    if not parts:
        return None
    product = parts[0]
    for part in parts[1:]:
        product = part @ product
    return product
