"""The training loop, top to bottom in one function."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgelens.runtime.errors import WorkError

from .config import TrainConfig
from .ingredients import Ingredients
from .optimize.distributed import ALONE, World
from .optimize.health import Health, Trouble
from .optimize.optimizers import add_l1, clip, rate_of, set_rates
from .optimize.precision import autocast
from .optimize.schedules import factor
from .runs.checkpoint import State, go_back_to_best, load_state, save_state
from .runs.progress import Progress
from .runs.run import AVERAGE, LAST, Run
from .runs.weights import save_weights
from .start.transfer import train_mode
from .task import by_name
from .validation import best_of, is_best

Rows = np.ndarray[Any, Any]

__all__ = ["train"]

_LATE = 1.15  # times the minutes after which an epoch is the last: the machine was slower than measured
_NOTED = 100  # steps an epoch whose loss is kept for the curves


def train(
    state: State, config: TrainConfig, made_of: Ingredients, run: Run, progress: Progress, world: World = ALONE
) -> None:
    """Train from where the state stands to the last epoch; the run's folder then holds the best weights."""
    network, optimizer, health = state.network, state.optimizer, Health(state.network)
    model = world.wrapped(network)
    if config.compile:
        model = torch.compile(model)  # type: ignore[assignment]
    per_step = made_of.per_step(config)
    steps = len(made_of.batches_of(0, per_step, config.seed))
    began = saved = time.monotonic()
    while state.epoch < config.epochs:
        if state.epoch and not state.step and (why := world.told(_over(state, config, time.monotonic() - began))):
            progress.say(f"{why}: stopped at epoch {state.epoch}")
            break
        batches = made_of.batches_of(state.epoch, per_step, config.seed)
        train_mode(network, frozen_norm=config.frozen_norm)
        start, images = time.perf_counter(), 0
        while state.step < steps:
            rows = batches[state.step]
            now = state.epoch * steps + state.step
            torch.manual_seed(_key(config.seed, now, world.rank))  # dropout's draws belong to the step
            share = factor(config.schedule, now, config.epochs * steps, round(config.warmup * steps))
            set_rates(optimizer, state.rate_scale * share)
            loss, inputs = _gradients(model, rows, state.epoch, config, made_of, world)
            if config.l1:
                add_l1(network, config.l1)
            norms = health.norms()
            if trouble := health.look(norms, inputs):
                _go_back(state, trouble, run, progress, world)
                health = Health(network)
                break
            norm = float(norms.norm())
            if config.clip:
                clip(network, norm, config.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if state.average:
                state.average.update(network)
            step_loss = float(world.summed(loss)) / len(rows)
            state.loss_sum += step_loss * len(rows)
            if state.step % max(1, steps // _NOTED) == 0:
                state.steps.append([state.epoch + 1, now, step_loss, rate_of(optimizer), norm])
            state.step += 1
            images += len(rows)
            progress.step(now + 1, len(rows), step_loss)
            if time.monotonic() - saved > config.checkpoint_s and world.leads and health.sound:
                save_state(state, run.path / LAST)
                saved = time.monotonic()
        if state.step < steps:  # it was thrown back
            continue
        seconds = time.perf_counter() - start
        if warning := health.end_epoch():
            progress.warn(warning)
        row = _judged(state, made_of, run, world, images=images, seconds=seconds, sound=health.sound)
        saved = time.monotonic()
        progress.epoch(row, _remaining(config, time.monotonic() - began))


def _judged(
    state: State, made_of: Ingredients, run: Run, world: World, *, images: int, seconds: float, sound: bool
) -> dict[str, float]:
    """The row of an epoch that is done: what it learned, how well it validates; the state and the run know it then."""
    score = made_of.task.score
    row = {"epoch": state.epoch + 1, "train_loss": state.loss_sum / len(made_of.data), "rate": rate_of(state.optimizer)}
    candidate, measured = best_of(state, made_of, world)
    row |= measured | {"images_per_s": images / seconds, "seconds": seconds}
    better = is_best(row, state, score)
    state.history.append(row)
    state.epoch, state.step, state.loss_sum = state.epoch + 1, 0, 0.0
    if better:
        state.best, state.best_epoch = row[f"val_{score.name}"], state.epoch
    if world.leads:
        _write(run, state, candidate if better else None, sound=sound)
    return row


def _over(state: State, config: TrainConfig, seconds: float) -> str:
    """Why there is no further epoch, after so long; nothing where there may be one."""
    if _remaining(config, seconds) < 0:
        return "the time is over"
    if config.patience and state.epoch - state.best_epoch >= config.patience:
        return f"no better validation for {config.patience} epochs"
    return ""


def _remaining(config: TrainConfig, seconds: float) -> float:
    """Seconds until no epoch begins any more, after so many."""
    return 60 * _LATE * config.minutes - seconds if config.minutes else math.inf


def _write(run: Run, state: State, best: nn.Module | None, *, sound: bool) -> None:
    """What an epoch leaves on disk: the best weights first, so that no checkpoint speaks of others."""
    if best is not None:
        save_weights(best, run.training_best)
    run.write_history(state)
    if state.average:
        save_weights(state.average.network, run.path / AVERAGE)
    if sound:
        save_state(state, run.path / LAST)


def _gradients(
    model: nn.Module, rows: Rows, epoch: int, config: TrainConfig, made_of: Ingredients, world: World
) -> tuple[Tensor, Tensor]:
    """Leave the gradient of a batch's mean loss in the network; this process's summed loss, and its last inputs.

    A batch that is larger than `--batch` (full-batch gradient descent) goes through in parts.
    """
    data, loss = made_of.data, torch.zeros((), device=world.device)
    recipe = made_of.recipe.at(epoch / config.epochs)
    for part in world.parts(rows, config.batch):
        inputs, targets = data.augmented(part, made_of.task, recipe, config.seed, epoch)
        with autocast(data.mode, world.device):
            outputs = by_name(model(inputs), made_of.task.outputs)
            losses = made_of.task.loss(outputs, targets)
            if made_of.distillation:
                losses = made_of.distillation.blended(made_of.task, losses, outputs, inputs, part % len(data))
        torch.autograd.backward(losses.sum() * (world.size / len(rows)))
        loss += losses.detach().sum()
    return loss, inputs


def _go_back(state: State, trouble: Trouble, run: Run, progress: Progress, world: World) -> None:
    """Back to the best weights so far at a tenth of the rate, once; the second time the training gives up.

    Before the first validation that is the last checkpoint. The optimizer's memory led here and is forgotten.
    """
    where = f"{trouble}, epoch {state.epoch + 1} step {state.step + 1}"
    if state.recoveries:
        kept = f"; the best weights so far are in {run.path}" if state.best_epoch > 0 else ""
        raise WorkError(f"{where}: gave up after going back once{kept}; take a smaller --rate, --clip 1 or --warmup 1")
    file = run.path / LAST
    if state.best_epoch > 0:
        go_back_to_best(state, world.told(run.training_best.read_bytes() if world.leads else b""))
    else:
        load_state(state, world.told(file.read_bytes() if world.leads else b""), file)
    state.optimizer.state.clear()
    state.recoveries += 1
    state.rate_scale *= 0.1
    state.optimizer.zero_grad(set_to_none=True)
    progress.warn(f"{where}: back to epoch {state.epoch + 1} step {state.step + 1} at a tenth of the learning rate")
    if world.leads:
        save_state(state, file)


def _key(seed: int, step: int, rank: int) -> int:
    """A seed for torch's generator that no other step or process has."""
    return int(np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0] >> 1)
