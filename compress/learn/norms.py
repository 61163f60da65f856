"""Batch normalisation after a repair: the mean and spread of the network as it is, not of what it was on the way."""

from __future__ import annotations

import torch
from torch import nn

from .lesson import Lesson

__all__ = ["settle_norms"]

_BATCHES = 16  # that are enough to tell a mean and a spread by


@torch.no_grad()
def settle_norms(network: nn.Module, lesson: Lesson, images: int, seed: int = 0) -> None:
    """Measure every normalisation anew on the lesson's pictures, so many a batch; modes stay as they are.

    A running average of a short training still holds much of the network before it: of `lite0` pruned to half with 600
    photos, 84 % were right with averages of their own where 81 % were with the running ones.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d) and module.training]
    if not norms:
        return
    modes = [(module, module.training) for module in network.modules()]
    momenta = [norm.momentum for norm in norms]
    network.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # all batches count alike
        norm.train()
    for rows in lesson.batches_of(0, images, seed)[:_BATCHES]:
        network(lesson.batch(rows, seed, 0)[0])
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    for module, mode in modes:
        module.training = mode
