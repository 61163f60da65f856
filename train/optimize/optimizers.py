"""The optimizers by name, each a few lines over torch's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

from edgelens.runtime.errors import UsageError

__all__ = ["OPTIMIZERS", "OptimizerEntry", "add_l1", "clip", "make_optimizer", "rate_of", "set_rates"]

_LOTS = 12  # of layers that share a rate

Groups = Iterable[dict[str, Any]]


@dataclass(frozen=True)
class OptimizerEntry:
    """How an optimizer is made from parameter groups, a rate and a momentum, and the rate and L2 that suit it."""

    make: Callable[[Groups, float, float], Optimizer]
    rate: float
    l2: float
    full_batch: bool = False  # one step an epoch, on the gradient of the whole training split
    momentum: bool = False  # whether it has one


OPTIMIZERS: dict[str, OptimizerEntry] = {
    "gd": OptimizerEntry(lambda groups, rate, _: SGD(groups, rate), 0.5, 0.0, full_batch=True),
    "sgd": OptimizerEntry(lambda groups, rate, _: SGD(groups, rate), 0.1, 0.0),
    "momentum": OptimizerEntry(SGD, 0.05, 5e-4, momentum=True),
    "nesterov": OptimizerEntry(  # without momentum it is plain descent, which torch wants to be told
        lambda groups, rate, m: SGD(groups, rate, m, nesterov=m > 0), 0.05, 5e-4, momentum=True
    ),
    "adagrad": OptimizerEntry(lambda groups, rate, _: Adagrad(groups, rate), 0.01, 0.0),
    "rmsprop": OptimizerEntry(lambda groups, rate, _: RMSprop(groups, rate), 0.001, 0.0),
    "adam": OptimizerEntry(lambda groups, rate, m: Adam(groups, rate, (m, 0.999)), 0.001, 0.0, momentum=True),
    "adamw": OptimizerEntry(lambda groups, rate, m: AdamW(groups, rate, (m, 0.999)), 0.002, 0.05, momentum=True),
}


def make_optimizer(
    name: str,
    network: nn.Module,
    *,
    rate: float | None = None,
    momentum: float = 0.9,
    l2: float | None = None,
    first_rate: float = 1.0,
) -> Optimizer:
    """An optimizer over the weights that are not frozen; L2 spares biases and normalisation.

    The first weights learn at the share `first_rate` of the rate, the last at the rate, those between geometrically.
    """
    if name not in OPTIMIZERS:
        raise UsageError(f"--optimizer {name}: must be one of {', '.join(OPTIMIZERS)}")
    entry = OPTIMIZERS[name]
    trained = [p for p in network.parameters() if p.requires_grad]
    if not trained:
        raise UsageError("--freeze: every layer is frozen, nothing is left to train")
    base, decay = entry.rate if rate is None else rate, entry.l2 if l2 is None else l2
    groups: list[dict[str, Any]] = []
    for share, weights in _by_depth(trained, first_rate):
        rates = {"lr": base * share, "initial_lr": base * share}  # now, and what schedules take their share of
        groups += [
            {"params": [p for p in weights if p.ndim > 1], "weight_decay": decay, **rates},
            {"params": [p for p in weights if p.ndim <= 1], "weight_decay": 0.0, **rates},
        ]
    return entry.make([g for g in groups if g["params"]], base, momentum)


def _by_depth(weights: list[nn.Parameter], first_rate: float) -> list[tuple[float, list[nn.Parameter]]]:
    """The last weights first, each lot with its share of the rate; one lot where all learn alike."""
    if first_rate == 1:
        return [(1.0, weights)]
    lots = [weights[at : at + -(-len(weights) // _LOTS)] for at in range(0, len(weights), -(-len(weights) // _LOTS))]
    shares = [first_rate ** (1 - i / max(1, len(lots) - 1)) for i in range(len(lots))]
    return list(zip(shares, lots, strict=True))[::-1]


@torch.no_grad()
def add_l1(network: nn.Module, strength: float) -> None:
    """Add the gradient of `strength` × the sum of absolute weights."""
    for p in network.parameters():
        if p.grad is not None and p.ndim > 1:
            p.grad.add_(p.sign(), alpha=strength)


@torch.no_grad()
def clip(network: nn.Module, norm: float, largest: float) -> None:
    """Shorten a gradient that is longer than `largest` to that; `norm` is its length."""
    if norm > largest:
        torch._foreach_mul_([p.grad for p in network.parameters() if p.grad is not None], largest / norm)


def set_rates(optimizer: Optimizer, share: float) -> None:
    """Let all learn at a share of the rates that they began with."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * share


def rate_of(optimizer: Optimizer) -> float:
    """The rate at which the last weights learn now, those of a checkpoint at which they did."""
    return float(optimizer.param_groups[0]["lr"])
