"""From a configuration to a finished run, and on from where one was stopped."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from edgelens.runtime.errors import DataError, UsageError

from .config import TrainConfig
from .finish import finish
from .ingredients import Ingredients, gather, speed_in
from .loop import train
from .opening.answering import answered_first, tuned
from .opening.beginning import facts_of, first_state, mode_line, put_down
from .opening.minutes import within
from .opening.opened import Opened, opened
from .optimize import distributed
from .optimize.distributed import World
from .runs import tensorboard
from .runs.checkpoint import State, load_state, save_state
from .runs.place import held
from .runs.progress import Progress, Watch
from .runs.run import FACTS, LAST, Run

__all__ = ["fit", "resume"]


def fit(
    config: TrainConfig,
    *,
    quiet: bool = False,
    overwrite: bool = False,
    watch: Watch | None = None,
    given: Mapping[str, str] = {},
) -> Run:
    """Train a network as the configuration says and return its run.

    `given` are the settings that a person gave, name → as it was written: one that nothing here reads is refused.
    """
    folder = Path(config.out)
    with distributed.joined(config.device) as world, held(folder) if world.leads else nullcontext():
        if world.leads and (folder / FACTS).exists() and not overwrite:
            raise UsageError(
                f"--out {folder}: holds a run already; go on with --resume {folder}, choose another folder, or"
                " give --overwrite"
            )
        return _train(config.anchored(), None, world, quiet=quiet, watch=watch, given=given)


def resume(
    path: str | Path, *, quiet: bool = False, watch: Watch | None = None, here: Mapping[str, Any] | None = None
) -> Run:
    """Go on with a run where its last checkpoint left it; a finished one is returned as it is.

    `here` are settings of this machine (`config.HERE`) in place of those that the run was begun with.
    """
    run = Run.open(path)
    if run.facts.metrics is not None and not run.facts.provisional:
        on = f"to train on from it: edgelens train DATA --from {path}"
        Progress(run.config.epochs, 1, quiet=quiet).say(f"{path} is finished; {on}")
        return run
    config = replace(run.config, out=str(path), **(here or {}))
    begun = (run.path / LAST).exists() or not run.facts.provisional  # else there is a first answer, and no more yet
    with distributed.joined(config.device) as world, held(run.path) if world.leads else nullcontext():
        return _train(config, run if begun else None, world, quiet=quiet, watch=watch)


def _train(
    config: TrainConfig,
    earlier: Run | None,
    world: World,
    *,
    quiet: bool,
    watch: Watch | None = None,
    given: Mapping[str, str] = {},
) -> Run:
    speak = world.leads and not quiet
    threads = config.threads or (earlier.facts.environment["threads"] if earlier else None)
    if threads:
        torch.set_num_threads(threads)
    with Progress(config.epochs, 1, quiet=not speak) as progress:
        alone = world.size == 1
        start = opened(config, earlier, leads=world.leads, alone=alone, reading=progress.reading, given=given)
        for line in start.said:
            progress.say(line)
        if start.answers_first and not earlier:
            run, going_on = answered_first(start, world, progress)
            if going_on is None:
                return run
            made_of, state = going_on
        else:
            run, made_of, state = _begun(start, earlier, world, progress)
    config = run.config
    steps = max(1, round(len(made_of.data) / made_of.per_step(config)))
    log = tensorboard.writer(run.path) if world.leads else None
    with Progress(
        config.epochs,
        steps,
        quiet=not speak,
        tensorboard=log,
        watch=watch,
        score=made_of.task.score,
        validated=len(made_of.val),
    ) as progress:
        try:
            train(state, config, made_of, run, progress, world)
        except KeyboardInterrupt:
            if watch is not None or not run.facts.provisional:  # who watches would go on as if it had ended
                progress.say(f"stopped; go on with: edgelens train --resume {run.path}")
                raise
            progress.say("stopped: what was best so far is kept")
    if run.facts.provisional:
        return tuned(run, made_of, state, start.data, progress.say)
    return finish(run, made_of, state, progress.say, start.data) if world.leads else run


def _begun(start: Opened, earlier: Run | None, world: World, progress: Progress) -> tuple[Run, Ingredients, State]:
    """A run before its next step: new on disk, or read from there."""
    config, data = start.config, start.data
    stored = str(earlier.facts.environment["precision"]) if earlier else None
    made_of, mode, speeds = gather(config, data, start.network, world, progress.say, stored)
    progress.say(mode_line(mode, speeds))
    if config.minutes and not earlier:
        speed = speed_in(mode, speeds, config, made_of, start.network)
        config, said = within(config, len(made_of.data), world.told(speed))
        progress.say(said)
    facts = earlier.facts if earlier else facts_of(start, made_of.recipe, mode, speeds, world)
    run = Run(Path(config.out), config, facts)
    if run.facts.data["fingerprint"] != data.fingerprint:
        raise UsageError(f"--resume {run.path}: {config.data} has changed since; start a new run with --from")
    state = first_state(config, start.network, mode, world)
    if earlier:
        file = run.path / LAST
        load_state(state, world.told(_bytes(file) if world.leads else b""), file)
    elif world.leads:
        put_down(run, data)
        save_state(state, run.path / LAST)
        run.write()
    return run, made_of, state


def _bytes(checkpoint: Path) -> bytes:
    try:
        return checkpoint.read_bytes()
    except OSError as error:
        raise DataError(f"{checkpoint}: could not be read ({error.strerror}); begin anew with --overwrite") from None
