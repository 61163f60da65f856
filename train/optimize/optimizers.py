"""The optimizers by name, each a few lines over torch's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

from edgelens.runtime.errors import UsageError

__all__ = ["OPTIMIZERS", "OptimizerEntry", "add_l1", "make_optimizer"]

Groups = Iterable[dict[str, Any]]


@dataclass(frozen=True)
class OptimizerEntry:
    """How an optimizer is made from parameter groups, a rate and a momentum, and the rate and L2 that suit it."""

    make: Callable[[Groups, float, float], Optimizer]
    rate: float
    l2: float
    full_batch: bool = False  # one step an epoch, on the gradient of the whole training split


OPTIMIZERS: dict[str, OptimizerEntry] = {
    "gd": OptimizerEntry(lambda groups, rate, _: SGD(groups, rate), 0.5, 0.0, full_batch=True),
    "sgd": OptimizerEntry(lambda groups, rate, _: SGD(groups, rate), 0.1, 0.0),
    "momentum": OptimizerEntry(SGD, 0.05, 5e-4),
    "nesterov": OptimizerEntry(lambda groups, rate, m: SGD(groups, rate, m, nesterov=True), 0.05, 5e-4),
    "adagrad": OptimizerEntry(lambda groups, rate, _: Adagrad(groups, rate), 0.01, 0.0),
    "rmsprop": OptimizerEntry(lambda groups, rate, _: RMSprop(groups, rate), 0.001, 0.0),
    "adam": OptimizerEntry(lambda groups, rate, m: Adam(groups, rate, (m, 0.999)), 0.001, 0.0),
    "adamw": OptimizerEntry(lambda groups, rate, m: AdamW(groups, rate, (m, 0.999)), 0.002, 0.05),
}


def make_optimizer(
    name: str, network: nn.Module, *, rate: float | None = None, momentum: float = 0.9, l2: float | None = None
) -> Optimizer:
    """An optimizer over the weights that are not frozen; L2 spares biases and normalisation."""
    if name not in OPTIMIZERS:
        raise UsageError(f"--optimizer {name}: must be one of {', '.join(OPTIMIZERS)}")
    entry = OPTIMIZERS[name]
    trained = [p for p in network.parameters() if p.requires_grad]
    if not trained:
        raise UsageError("--freeze: every layer is frozen, nothing is left to train")
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": entry.l2 if l2 is None else l2},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return entry.make([g for g in groups if g["params"]], entry.rate if rate is None else rate, momentum)


@torch.no_grad()
def add_l1(network: nn.Module, strength: float) -> None:
    """Add the gradient of `strength` × the sum of absolute weights."""
    for p in network.parameters():
        if p.grad is not None and p.ndim > 1:
            p.grad.add_(p.sign(), alpha=strength)
