"""Answer first, then better: a whole run from a head on the frozen trunk, and what fine-tuning starts from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from ..config import TrainConfig
from ..data.folder import cache_folder
from ..data.train_data import TrainData
from ..finish import Answered, complete, finish
from ..head.first import FirstAnswer, answer_first
from ..head.tuning import gentle, planned
from ..honest.ranking import figures_of
from ..ingredients import Ingredients, gather, speed_in, training_counts, training_recipe
from ..known.learned import learn_known
from ..optimize.distributed import World
from ..runs.checkpoint import Candidate, State, save_state
from ..runs.progress import Progress
from ..runs.run import BEST, LAST, TUNED, Run
from ..runs.weights import save_weights
from ..task import Task
from ..tasks.catalog import make_task
from .beginning import facts_of, first_state, mode_line, put_down
from .opened import Opened

__all__ = ["answered_first", "tuned"]

Say = Callable[[str], None]


def answered_first(start: Opened, world: World, progress: Progress) -> tuple[Run, tuple[Ingredients, State] | None]:
    """A complete run of a head on the frozen network, and what the loop goes on with; None where that was all."""
    config, data = start.config, start.data
    config = gentle(config, data.pixels.height, len(data.train))
    task = make_task(config, data.classes, training_counts(data))
    run = _new_run(config, start, world, progress.say)
    start.network.to(world.device)
    answer = _answer(config, start, task, progress, crossed=True)
    put_down(run, data)
    _let_go(run, answer, start, task, progress.say)
    run = Run.open(run.path)
    if config.minutes == 0:
        return _ended(run), None
    if not len(data.val):
        progress.say("no photos are left to judge fine-tuning by: the head alone stays the answer")
        return _ended(run), None
    if answer.crossed:  # fine-tuning is judged by photos that its start has not seen
        answer = _answer(config, start, task, progress, crossed=False)
    made_of, mode, speeds = gather(config, data, start.network, world, progress.say)
    plan = planned(config, len(made_of.data), speed_in(mode, speeds, config, made_of, start.network))
    progress.say(plan.said)
    if not plan.epochs:
        return _ended(run), None
    progress.say(mode_line(mode, speeds))
    config = replace(config, epochs=plan.epochs, minutes=plan.limit)
    environment = run.facts.environment | {"precision": mode, "precision_images_per_s": speeds}
    run = replace(run, config=config, facts=replace(run.facts, environment=environment))
    run.write()
    state = first_state(config, start.network, mode, world)
    state.best, state.best_epoch = figures_of(answer.outputs, answer.targets, task)[task.score.name], 0
    state.candidates.append(Candidate(0, {name: torch.from_numpy(v) for name, v in answer.outputs.items()}))
    save_state(state, run.path / LAST)
    return run, (made_of, state)


def tuned(run: Run, made_of: Ingredients, state: State, data: TrainData, say: Say) -> Run:
    """The run after fine-tuning: with its best epoch where that validated better than the head alone."""
    if state.best_epoch > 0:
        with contextlib.suppress(FileNotFoundError):  # gone over already, where that was stopped before its figures
            (run.path / TUNED).replace(run.path / BEST)
        run = finish(run, made_of, state, say, data)
        learn_known(run, data, made_of.task, cache_folder(run.config.cache), say)
        return _ended(run)
    say("fine-tuning did not validate better than the head alone, which stays the answer")
    run.write_history(state)
    return _ended(run)


def _new_run(config: TrainConfig, start: Opened, world: World, say: Say) -> Run:
    facts = facts_of(start, training_recipe(config, start.data, make_task(config), say), "float32", {}, world)
    return Run(Path(config.out), config, replace(facts, provisional=True))


def _answer(config: TrainConfig, start: Opened, task: Task, progress: Progress, *, crossed: bool) -> FirstAnswer:
    """The head fitted and given to the network; on all photos where few validate and `crossed` allows it."""
    data = start.data
    return answer_first(
        start.network.eval(),
        data,
        task,
        cache_folder(config.cache),
        seed=config.seed,
        groups=data.groups,
        own_validation=start.own_validation or config.folds > 0 or not crossed,
        seen=lambda done, of: progress.reading("looking at", done, of),
    )


def _let_go(run: Run, answer: FirstAnswer, start: Opened, task: Task, say: Say) -> None:
    """Write the run as it now is, whole."""
    save_weights(start.network, run.path / BEST)
    basis = "each of all photos answered by a head that was fitted without it"
    if not answer.crossed:
        basis = "answers of a head that was fitted without them"
    figures = figures_of(answer.outputs, answer.targets, task)
    judged = "train+val" if answer.crossed else "val"
    done = Answered(answer.outputs, answer.targets, figures, answer.train_outputs, answer.train_targets, basis, judged)
    say(answer.said)
    complete(run, done, task, say, answer.images)
    right = task.score.with_interval(figures[task.score.name], len(answer.targets))
    say(f"first answer: {right} ({basis}); {run.path} is a whole run already")
    learn_known(Run.open(run.path), start.data, task, cache_folder(start.config.cache), say)


def _ended(run: Run) -> Run:
    """The run as it is, with nothing more to come."""
    run = replace(run, facts=replace(Run.open(run.path).facts, provisional=False))
    run.write()
    return run
