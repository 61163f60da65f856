"""The training loop, top to bottom in one function."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgelens.runtime.errors import WorkError

from .augment import Recipe
from .batches import Batches, epoch_batches
from .config import TrainConfig
from .optimize.distributed import ALONE, World
from .optimize.health import Health, Trouble
from .optimize.optimizers import OPTIMIZERS, add_l1
from .optimize.precision import autocast
from .optimize.schedules import factor
from .runs.checkpoint import Candidate, State, go_back_to_best, load_state, save_state
from .runs.progress import Progress
from .runs.run import AVERAGE, BEST, LAST, Run
from .runs.weights import save_weights
from .start.distill import Distillation
from .start.transfer import train_mode
from .task import Outputs, Score, Task, by_name, keep_all

Rows = np.ndarray[Any, Any]

__all__ = ["Ingredients", "answers", "train"]

_FEW = 2000  # validation pictures up to which every epoch's answers are kept
_LATE = 1.15  # times the minutes after which an epoch is the last: the machine was slower than measured
_NOTED = 100  # steps an epoch whose loss is kept for the curves
_PREDICTED = 2**18  # pixels that go through a network at once when nothing is learnt


@dataclass(frozen=True)
class Ingredients:
    """What a training is made from besides its configuration."""

    task: Task
    recipe: Recipe
    data: Batches
    val: Batches
    balanced: Rows | None = None  # the kind of each picture, where every kind is to come equally often
    repeats: Rows | None = None  # how often each comes beside the others, where not all come alike
    distillation: Distillation | None = None


def train(  # noqa: C901 (one loop, top to bottom)
    state: State, config: TrainConfig, made_of: Ingredients, run: Run, progress: Progress, world: World = ALONE
) -> None:
    """Train from where the state stands to the last epoch; the run's folder then holds the best weights."""
    task, data = made_of.task, made_of.data
    network, optimizer, health = state.network, state.optimizer, Health(state.network)
    model = world.wrapped(network)
    if config.compile:
        model = torch.compile(model)  # type: ignore[assignment]
    per_step = len(data) if OPTIMIZERS[config.optimizer].full_batch else config.batch
    steps = len(epoch_batches(len(data), per_step, config.seed, 0))
    rates = [group["initial_lr"] for group in optimizer.param_groups]
    began = saved = time.monotonic()
    while state.epoch < config.epochs:
        batches = epoch_batches(
            len(data),
            per_step,
            config.seed,
            state.epoch,
            made_of.balanced,
            together=made_of.task.together,
            repeats=made_of.repeats,
        )
        train_mode(network, frozen_norm=config.frozen_norm)
        start, images = time.perf_counter(), 0
        while state.step < steps:
            rows = batches[state.step]
            now = state.epoch * steps + state.step
            torch.manual_seed(_key(config.seed, now, world.rank))  # dropout's draws belong to the step
            scale = state.rate_scale * factor(config.schedule, now, config.epochs * steps, round(config.warmup * steps))
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * scale
            loss, inputs = _gradients(model, rows, state.epoch, config, made_of, world)
            if config.l1:
                add_l1(network, config.l1)
            norms = health.norms()
            trouble = health.look(norms, inputs)
            if trouble:
                _go_back(state, trouble, run, progress, world)
                health = Health(network)
                break
            if config.clip and (norm := float(norms.norm())) > config.clip:
                torch._foreach_mul_([p.grad for p in network.parameters() if p.grad is not None], config.clip / norm)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if state.average:
                state.average.update(network)
            step_loss = float(world.summed(loss)) / len(rows)
            state.loss_sum += step_loss * len(rows)
            if state.step % max(1, steps // _NOTED) == 0:
                state.steps.append([state.epoch + 1, now, step_loss, rates[0] * scale, float(norms.norm())])
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
        row = {"epoch": state.epoch + 1, "train_loss": state.loss_sum / len(data), "rate": rates[0] * scale}
        candidate, measured = _best_of(state, made_of, world)
        row |= measured | {"images_per_s": images / seconds, "seconds": seconds}
        state.history.append(row)
        state.epoch, state.step, state.loss_sum = state.epoch + 1, 0, 0.0
        if _is_best(row, state, task.score):
            state.best, state.best_epoch = row[f"val_{task.score.name}"], state.epoch
            if world.leads:
                save_weights(candidate, run.path / BEST)
        if world.leads:
            run.write_history(state)
            if state.average:
                save_weights(state.average.network, run.path / AVERAGE)
            if health.sound:
                save_state(state, run.path / LAST)
        saved = time.monotonic()
        progress.epoch(row)
        if config.minutes and time.monotonic() - began > 60 * _LATE * config.minutes:
            progress.say(f"the time is over: stopped at epoch {state.epoch}")
            break
        if config.patience and state.epoch - state.best_epoch >= config.patience:
            progress.say(f"no better validation for {config.patience} epochs: stopped at epoch {state.epoch}")
            break


def _gradients(
    model: nn.Module, rows: Rows, epoch: int, config: TrainConfig, made_of: Ingredients, world: World
) -> tuple[Tensor, Tensor]:
    """Leave the gradient of a batch's mean loss in the network; this process's summed loss, and its last inputs.

    A batch that is larger than `--batch` (full-batch gradient descent) goes through in parts.
    """
    data, loss = made_of.data, torch.zeros((), device=world.device)
    recipe = made_of.recipe.at(epoch / config.epochs)
    mine = world.share(rows)
    for part in np.array_split(mine, max(1, round(len(mine) * world.size / config.batch))):
        inputs, targets = data.augmented(part, made_of.task, recipe, config.seed, epoch)
        with autocast(data.mode, world.device):
            outputs = by_name(model(inputs), made_of.task.outputs)
            losses = made_of.task.loss(outputs, targets)
            if made_of.distillation:
                losses = made_of.distillation.blended(made_of.task, losses, outputs, inputs)
        torch.autograd.backward(losses.sum() * (world.size / len(rows)))
        loss += losses.detach().sum()
    return loss, inputs


@torch.no_grad()
def answers(network: nn.Module, data: Batches, task: Task, world: World = ALONE) -> Iterator[tuple[Rows, Outputs]]:
    """A split's outputs in float32, batch by batch, with the batch's rows; every process asks for its share."""
    network.eval()
    mine = world.share(np.arange(len(data)))
    batch = max(1, _PREDICTED // (data.pixels.shape[1] * data.pixels.shape[2]))
    for rows in np.array_split(mine, -(-len(mine) // batch)) if len(mine) else ():
        with autocast(data.mode, world.device):
            outputs = by_name(network(data.plain(rows)), task.outputs)
        yield rows, {name: values.float() for name, values in outputs.items()}


def _measured(network: nn.Module, made_of: Ingredients, state: State, world: World) -> dict[str, float]:
    """The validation split's figures; what the processes counted is put together.

    Of few pictures the answers are kept too: how good the best epoch is, they can only say together.
    """
    task, data = made_of.task, made_of.val
    meter, parts = task.meter(), []
    few = world.size == 1 and len(data) <= _FEW and task.keep is keep_all and task.alone
    for rows, outputs in answers(network, data, task, world):
        meter.add(outputs, data.targets.pick(rows))
        if few:
            parts.append({name: values.cpu() for name, values in outputs.items()})
    if world.size > 1:
        meter.merge(world.gathered(meter.state()))
    if few:
        row = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        state.candidates.append(Candidate(state.epoch + 1, row))
    return meter.result()


def _best_of(state: State, made_of: Ingredients, world: World) -> tuple[nn.Module, dict[str, float]]:
    """The network or its average, whichever does better on the validation split, and how well it does.

    An average that stays halfway to the start is judged alone: the network itself has come too far.
    """
    if state.average and state.average.start is not None:
        figures = _measured(state.average.network, made_of, state, world)
        return state.average.network, {f"val_{name}": value for name, value in figures.items()}
    best, figures = state.network, _measured(state.network, made_of, state, world)
    if state.average:
        averaged, score = _measured(state.average.network, made_of, state, world), made_of.task.score
        if not score.better(figures[score.name], averaged[score.name]):
            best, figures = state.average.network, averaged
    return best, {f"val_{name}": value for name, value in figures.items()}


def _is_best(row: dict[str, float], state: State, score: Score) -> bool:
    """Whether an epoch did better than all before; of equal ones (few pictures validate) that with the lower loss."""
    value = row[f"val_{score.name}"]
    if state.best_epoch < 0:
        return True
    if value != state.best or state.best_epoch == 0:  # 0: a head was there before the first epoch
        return score.better(value, state.best)
    return row["val_loss"] < state.history[state.best_epoch - 1]["val_loss"]


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
        go_back_to_best(state, world.told((run.path / BEST).read_bytes() if world.leads else b""))
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
