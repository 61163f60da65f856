"""A training's end: what its best weights answer, settled, measured and reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgelens.runtime.datasets.imageset import ImageSet

from .batches import Batches
from .data.train_data import TrainData
from .head.again import with_head_again
from .head.first import embeds
from .honest.out_of_choice import out_of_choice, parts_of
from .honest.ranking import figures_of, ranked_by
from .ingredients import Ingredients
from .runs.checkpoint import State
from .runs.facts import decode_as_json
from .runs.outputs import SplitOutputs
from .runs.report import write_report
from .runs.run import BEST, Run
from .runs.weights import save_weights
from .task import Arrays, Targets, Task
from .validation import answers

__all__ = ["Answered", "complete", "finish"]

_FITTED_ON = 20_000  # images at most that a head is fitted on once more
_TRAINING_LOOKED_AT = 2000  # images whose answers tell how much better the network does on what it has seen


@dataclass(frozen=True)
class Answered:
    """What a finished network is judged by: outputs (N, ...) by name, and what they should have been."""

    val: Arrays
    val_targets: Targets
    figures: Mapping[str, float]  # of them, as the task's meter counts
    train: Arrays
    train_targets: Targets
    basis: str  # whose answers the validation's are, in words
    judged: str = "val"  # the run's splits that the pictures of `val` are in, joined by +
    best_epoch: int = 0  # 0: the head on the frozen network
    epochs: int = 0


def finish(run: Run, made_of: Ingredients, state: State, say: Callable[[str], None], data: TrainData) -> Run:
    """Complete a run: answers in float32 on the CPU as they will be deployed, settled, measured, reported.

    Of few pictures the answers are those of epochs that others chose, for figures and thresholds alike; others are
    pictures of other groups.
    """
    task, val, learned = made_of.task, _plain(made_of.val), _plain(made_of.data)
    network, outputs, figures, basis = _best(run, learned, val, task, say)
    kept = [len(next(iter(each.outputs.values()))) for each in state.candidates]
    if not made_of.validates:
        basis = f"{basis} to the very images that it learned, which says nothing of others"
    elif len(kept) > 1 and len(val.targets) == kept[0]:
        groups = [data.groups[i] for i in np.flatnonzero(data.splits == "val").tolist()]
        every = [{name: values.numpy() for name, values in each.outputs.items()} for each in state.candidates]
        parts = parts_of(len(groups), run.config.seed, groups)
        outputs = out_of_choice(every, parts, ranked_by(task, val.targets))
        figures = figures_of(outputs, val.targets, task)
        basis = "answers of epochs that were chosen without them"
    if made_of.validates and (before := run.facts.data.get("known_before")):
        basis += f"; the run that it starts from had learned {before:,} of them"
    train = _some(learned, _TRAINING_LOOKED_AT)
    seen, _ = _kept(network, train, task)
    answered = Answered(
        outputs,
        val.targets,
        figures,
        seen,
        train.targets,
        basis,
        judged="val" if made_of.validates else "train",
        best_epoch=state.best_epoch,
        epochs=state.epoch,
    )
    return complete(run, answered, task, say, data.judging.images)


def _best(
    run: Run, learned: Batches, val: Batches, task: Task, say: Callable[[str], None]
) -> tuple[nn.Module, dict[str, NDArray[np.float32]], dict[str, float], str]:
    """The best epoch's network, what it answers, its figures, and whose they are in words.

    A head fitted once more replaces what was learned, on disk too, where it validates better.
    """
    network = run.model()
    outputs, figures = _kept(network, val, task)
    if task.refit is not None and embeds(network):
        other, said = with_head_again(network, _some(learned, _FITTED_ON), task)
        again, its = _kept(other, val, task)
        now, before = (each[task.score.name] for each in (its, figures))
        if task.score.better(now, before):
            say(f"{said}: {task.score.said(now)}, before {task.score.said(before)}")
            save_weights(other, run.path / BEST)
            return other, again, its, "answers of the best epoch, its head fitted once more"
    return network, outputs, figures, "answers of the best epoch"


def complete(
    run: Run, answered: Answered, task: Task, say: Callable[[str], None], images: ImageSet | None = None
) -> Run:
    """Settle, measure and report what a network answered; the run is then whole.

    `images` are those that it is judged by, for the report.
    """
    outputs, targets = answered.val, answered.val_targets
    SplitOutputs(outputs, targets, answered.train, answered.train_targets).save(run.path)
    settled = task.settle(outputs, targets, run.config.false_accepts)
    if settled.said:
        say(settled.said)
    metrics: dict[str, Any] = {f"val_{name}": value for name, value in answered.figures.items()}
    metrics |= {"best_epoch": answered.best_epoch, "epochs": answered.epochs}
    metrics |= {"basis": answered.basis, "judged": answered.judged}
    metrics["val"] = task.summary(outputs, targets, settled)
    run = replace(run, facts=replace(run.facts, decode=decode_as_json(settled.decode), metrics=metrics))
    report = write_report(run, images)
    run.write()  # a run is finished when all else is there
    say(f"report: {report}")
    return run


def _kept(network: nn.Module, data: Batches, task: Task) -> tuple[dict[str, NDArray[np.float32]], dict[str, float]]:
    """What a task keeps of a split's outputs, (N, ...) a name, and the split's figures."""
    meter, parts = task.meter(), []
    for rows, outputs in answers(network, data, task):
        meter.add(outputs, data.targets.pick(rows))
        parts.append({name: values.numpy() for name, values in task.keep(outputs).items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, meter.result()


def _plain(data: Batches) -> Batches:
    """The same split in float32 on the CPU."""
    return replace(data, targets=data.targets.to(torch.device("cpu")), mode="float32", device=torch.device("cpu"))


def _some(data: Batches, most: int) -> Batches:
    """Rows spread over a split, as a split of their own."""
    rows = np.unique(np.linspace(0, len(data) - 1, most).astype(np.intp))
    pixels = data.pixels[torch.from_numpy(rows)] if isinstance(data.pixels, torch.Tensor) else data.pixels.select(rows)
    return replace(data, pixels=pixels, targets=data.targets.select(rows))
