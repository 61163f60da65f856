"""The training loop, top to bottom in one function."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from .average import Average
from .config import TrainConfig
from .feed import Feed, epoch_batches
from .losses import loss_by_name, smoothed
from .optimizers import add_l1
from .progress import Progress
from .run import BEST, Run
from .schedules import factor
from .weights import save_weights

__all__ = ["State", "predict", "train"]


@dataclass
class State:
    """What a training carries from step to step, and a checkpoint holds."""

    network: nn.Module
    optimizer: Optimizer
    average: Average | None = None
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: float = -1.0
    best_epoch: int = -1


def train(state: State, config: TrainConfig, data: Feed, val: Feed, run: Run, progress: Progress) -> None:
    """Train to the last epoch; the run's folder then holds the best weights."""
    loss_of = loss_by_name(config.loss, config.focal_gamma)
    network, optimizer = state.network, state.optimizer
    rates = [group["lr"] for group in optimizer.param_groups]
    steps = len(epoch_batches(len(data), config.batch, config.seed, 0))
    for epoch in range(state.epoch, config.epochs):
        network.train()
        start, loss_sum = time.perf_counter(), 0.0
        for step, rows in enumerate(epoch_batches(len(data), config.batch, config.seed, epoch)):
            torch.manual_seed(hash((config.seed, epoch, step)))
            now = epoch * steps + step
            scale = factor(config.schedule, now, config.epochs * steps, round(config.warmup * steps))
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * scale
            inputs, targets = data.batch(rows)
            loss = loss_of(network(inputs), smoothed(targets, config.label_smoothing)).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if config.l1:
                add_l1(network, config.l1)
            if config.clip:
                nn.utils.clip_grad_norm_(network.parameters(), config.clip)
            optimizer.step()
            if state.average:
                state.average.update(network)
            loss_sum += float(loss.detach()) * len(rows)
            progress.step(epoch, step, len(rows), float(loss.detach()))
        seconds = time.perf_counter() - start
        row: dict[str, float] = {"epoch": epoch + 1, "train_loss": loss_sum / len(data)}
        candidate = network
        row |= _measured(predict(network, val), val)
        if state.average:
            averaged = _measured(predict(state.average.network, val), val)
            if averaged["val_accuracy"] >= row["val_accuracy"]:
                row |= averaged
                candidate = state.average.network
        row |= {"images_per_s": len(data) / seconds, "seconds": seconds}
        state.history.append(row)
        state.epoch = epoch + 1
        if row["val_accuracy"] > state.best:
            state.best, state.best_epoch = row["val_accuracy"], epoch
            save_weights(candidate, run.path / BEST)
        progress.epoch(row)
        if config.patience and epoch - state.best_epoch >= config.patience:
            progress.say(f"no better validation for {config.patience} epochs: stopped")
            break


@torch.no_grad()
def predict(network: nn.Module, data: Feed, batch: int = 500) -> Tensor:
    """Logits (N, classes) of a whole split."""
    network.eval()
    parts: list[NDArray[Any]] = np.array_split(np.arange(len(data)), max(1, -(-len(data) // batch)))
    return torch.cat([network(data.batch(rows)[0]).float() for rows in parts])


def _measured(logits: Tensor, data: Feed) -> dict[str, float]:
    loss = torch.nn.functional.cross_entropy(logits, data.labels)
    right = (logits.argmax(1) == data.labels).float().mean()
    return {"val_loss": float(loss), "val_accuracy": float(right)}
