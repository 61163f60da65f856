"""Pruning in rounds: a part of the multiply-adds at a time, each followed by learning from the uncompressed network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from edgelens.runtime.errors import UsageError
from edgelens.runtime.preprocess import PixelContract

from ..learn.finetune import FineTune, finetune
from ..learn.lesson import Lesson
from ..learn.norms import settle_norms
from .attention import has_attention, prune_attention
from .channels import macs_of, prune_to_macs
from .importance import IMPORTANCES, with_gradients

__all__ = ["AUTO", "PruneConfig", "narrower", "prune"]

AUTO = "auto"  # whichever importance leaves most
_JUDGED = 512  # pictures that tell it


@dataclass(frozen=True)
class PruneConfig:
    """How much is to be left, and how the network recovers."""

    macs: float = 0.5  # share of the multiply-adds that stays
    importance: str = AUTO  # or one of IMPORTANCES
    rounds: int = 3
    round_to: int = 8
    tuning: FineTune = field(default_factory=lambda: FineTune(epochs=6, least_steps=600, rate=2e-3, features=0.5))


def prune(
    network: nn.Module,
    teacher: nn.Module,
    pixels: PixelContract,
    lesson: Lesson,
    config: PruneConfig,
    *,
    progress: Callable[[str], None] | None = None,
) -> nn.Module:
    """A narrower network that has learned from `teacher`; what it learns is shared out among the rounds."""
    if not 0 < config.macs < 1:
        raise UsageError(f"--prune {config.macs:g}: must be above 0 and below 1, the share of multiply-adds to keep")
    whole = macs_of(network, pixels)
    smaller = network
    for turn in range(config.rounds):
        most = whole * config.macs ** ((turn + 1) / config.rounds)
        smaller = narrower(smaller, pixels, most, lesson, config)
        last = turn == config.rounds - 1
        share = 1.0 if config.rounds == 1 else 0.5 if last else 0.5 / (config.rounds - 1)
        steps = round(config.tuning.least_steps * share)
        tuning = replace(config.tuning, epochs=config.tuning.epochs * share, least_steps=steps)
        if progress is not None:
            progress(f"round {turn + 1}/{config.rounds}: {macs_of(smaller, pixels) / whole:.0%} of the multiply-adds")
        smaller.train()
        finetune(smaller, teacher.eval(), lesson, tuning, progress=progress)
        smaller.eval()
    return smaller


def narrower(
    network: nn.Module, pixels: PixelContract, most: float, lesson: Lesson | None, config: PruneConfig
) -> nn.Module:
    """A copy with at most so many multiply-adds that has not recovered yet.

    Where it is left open what tells which channels matter, each way cuts a copy, and the one that answers the lesson
    best is taken: a network that has seen the world lasts by what the loss says, one that learned its own photos alone
    mostly by magnitude. By magnitude alone it needs no lesson.
    """
    if has_attention(network):
        return _narrower_attention(network, pixels, most, config.round_to)
    names = list(IMPORTANCES) if config.importance == AUTO else [config.importance]
    if lesson and "taylor" in names:
        with_gradients(network, lesson)
    cut = (prune_to_macs(network, pixels, most, by=name, round_to=config.round_to) for name in names)
    return min(cut, key=lambda each: _wrong(each, lesson)) if lesson and len(names) > 1 else next(cut)


def _wrong(network: nn.Module, lesson: Lesson) -> float:
    """The loss of a network that was cut, its normalisations settled."""
    settle_norms(network.train(), lesson, lesson.per_step)
    network.eval()
    with torch.no_grad():
        losses = [lesson.loss(network(inputs), targets) for inputs, targets in lesson.plain(_JUDGED)]
    return float(torch.cat(losses).mean())


def _narrower_attention(network: nn.Module, pixels: PixelContract, most: float, round_to: int) -> nn.Module:
    low, high = 0.0, 1.0
    best = prune_attention(network, 0.0, 0.0, round_to=round_to)
    for _ in range(7):
        share = (low + high) / 2
        candidate = prune_attention(network, share, share, round_to=round_to)
        if macs_of(candidate, pixels) <= most:
            best, low = candidate, share
        else:
            high = share
    return best
