"""The search: ask for settings, train, tell; as many processes as like share one study and its budget of trials."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from edgelens.runtime.errors import DataError, EdgelensError, UsageError, WorkError
from edgelens.runtime.host.files import write_text

from ..config import BACKBONE, TrainConfig
from ..runs.run import FACTS, LAST, Run
from ..task import Score
from ..tasks.catalog import make_task
from ..training import fit, resume
from .fixed import fix_options
from .heartbeat import Heartbeat, first_try, requeue, requeue_abandoned
from .promise import Promise
from .space import OneOf, Space, Span, Value, combinations, comparable, configured, grid, refuse_outside
from .storage import open_study, score_of

__all__ = ["SAMPLERS", "TuneConfig", "search", "write_best"]

SAMPLERS = ("tpe", "random", "grid")
_COUNTED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
_MOST_FAILURES = 5  # in a row, before it is no longer the settings' fault


@dataclass(frozen=True)
class TuneConfig:
    """How to search; what a trial is made of beside its own settings is `train`."""

    train: TrainConfig  # its `out` is the folder of the search
    space: Space
    trials: int = 30
    sampler: str = "tpe"
    study: str = ""  # where it is stored; tune.db in the search's folder unless said
    name: str = "edgelens"
    prune: bool = True
    seed: int = 0

    @property
    def folder(self) -> Path:
        """The search's folder."""
        return Path(self.train.out)


def search(config: TuneConfig, say: Callable[[str], None]) -> Any:
    """Run trials until the study has as many as were asked for; the study."""
    config = replace(config, train=comparable(config.train))
    score = make_task(config.train).score
    if config.sampler not in SAMPLERS:
        raise UsageError(f"--sampler {config.sampler}: must be one of {', '.join(SAMPLERS)}")
    if not config.space:
        raise UsageError("nothing is left to search: every dimension is fixed by an option")
    refuse_outside(config.train, config.space)
    where = config.study or str(config.folder / "tune.db")
    study = open_study(where, config.name, space=config.space, data=config.train.data, score=score, prune=config.prune)
    fix_options(study, config.train, config.space, where)
    if back := requeue_abandoned(study):
        say(f"{back} trial{'s' if back > 1 else ''} whose process died: begun again, or gone on with")
    if config.sampler == "grid":
        _queue_grid(study, config, say)
    elif (different := combinations(config.space)) < config.trials:
        say(f"{config.trials} trials of {different} different settings: --sampler grid tries each once, and no more")
    failures = 0
    while _counted(study) < config.trials and (config.sampler != "grid" or _waiting(study)):
        trial = study.ask()
        failures = 0 if _run_trial(study, trial, config, say) else failures + 1
        if failures >= _MOST_FAILURES:
            reason = study.trials[trial.number].user_attrs.get("error", "unknown")
            raise WorkError(f"{failures} trials in a row failed, the last with: {reason}")
        requeue_abandoned(study)
    return study


def write_best(study: Any, config: TuneConfig, promise: Promise | None = None) -> Path | None:
    """Write the best trial's settings as `edgelens train --config` takes them; None while no trial has finished."""
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not finished:
        return None
    score = score_of(study)
    best = max(finished, key=lambda trial: (score.rank(trial.value), -trial.user_attrs.get("macs", 0)))
    values = configured(comparable(config.train), best.params).as_json()
    for own in ("data", "out"):
        values.pop(own)
    origin = {"study": study.study_name, "trial": best.number, score.name: best.value, "trials": len(study.trials)}
    if promise is not None:
        origin["expected"] = promise.value
    target = config.folder / "best.json"
    write_text(target, json.dumps({"schema": 1, "found": origin, "config": values}, indent=1) + "\n")
    return target


def _run_trial(study: Any, trial: Any, config: TuneConfig, say: Callable[[str], None]) -> bool:
    """Train with one trial's settings and tell the study; whether that worked."""
    study.sampler = _sampler(config, trial.number)  # draws belong to the trial, whichever process asks
    params = {name: _suggested(trial, name, dimension) for name, dimension in config.space.items()}
    folder = config.folder / "trials" / f"{first_try(trial)}-{_digest(params)}"
    settings = replace(configured(config.train, params), out=str(folder))
    line = f"trial {trial.number + 1}: " + ", ".join(f"{name} {_short(value)}" for name, value in params.items())
    start = time.monotonic()
    try:
        with Heartbeat(trial):
            run = _trained(settings, trial, score_of(study))
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
        shutil.rmtree(folder, ignore_errors=True)
        say(f"{line}: hopeless, stopped after {time.monotonic() - start:.0f} s")
    except (UsageError, DataError, WorkError, RuntimeError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        trial.set_user_attr("error", reason)
        study.tell(trial, state=TrialState.FAIL)
        say(f"{line}: failed ({reason})")
        return False
    except BaseException:  # Ctrl-C or a defect: somebody may go on with it
        study.tell(trial, state=TrialState.FAIL)
        requeue(study, study.trials[trial.number])
        raise
    else:
        seconds = time.monotonic() - start
        _tell(study, trial, run, seconds)
        say(f"{line}: {run.figure}, {_took(seconds, config.trials - _counted(study))}")
    return True


def _took(seconds: float, left: int) -> str:
    """How long a trial took, and what the trials that are left would take like that."""
    more = f"; {left} more, about {max(left * seconds / 60, 1):,.0f} min" if left > 0 else ""
    return f"{seconds:.0f} s{more}"


def _trained(config: TrainConfig, trial: Any, score: Score) -> Run:
    """A run with these settings: gone on with where an earlier try left one, else from the start."""

    def watch(row: dict[str, float]) -> None:
        trial.report(row[f"val_{score.name}"], step=round(100 * row["epoch"] / config.epochs))
        if row["epoch"] < config.epochs and trial.should_prune():
            raise optuna.TrialPruned

    folder = Path(config.out)
    if (folder / FACTS).exists() and (folder / LAST).exists():
        try:
            if _same(Run.open(folder).config, config.anchored()):
                return resume(folder, quiet=True, watch=watch)
        except EdgelensError:
            pass  # half a run of a process that died: start again
    return fit(config, quiet=True, overwrite=True, watch=watch)


def _same(stored: TrainConfig, asked: TrainConfig) -> bool:
    """Whether a run was asked for with these settings; it stores what was left to the data as it was settled."""
    start = asked.start or (BACKBONE if stored.start == BACKBONE else None)
    return replace(stored, out="") == replace(asked, out="", start=start, batch=asked.batch or stored.batch)


def _tell(study: Any, trial: Any, run: Run, seconds: float) -> None:
    metrics = run.facts.metrics or {}
    facts = {"macs": run.facts.network["macs"], "parameters": run.facts.network["parameters"], "run": str(run.path)}
    for name, value in {**facts, "seconds": round(seconds, 1), "best_epoch": metrics["best_epoch"]}.items():
        trial.set_user_attr(name, value)
    study.tell(trial, float(metrics[f"val_{score_of(study).name}"]))
    (run.path / LAST).unlink(missing_ok=True)  # a finished trial needs no checkpoint


def _suggested(trial: Any, name: str, dimension: OneOf | Span) -> Value:
    value: Value
    if isinstance(dimension, OneOf):
        value = trial.suggest_categorical(name, dimension.values)
    elif dimension.whole:
        value = trial.suggest_int(name, int(dimension.low), int(dimension.high), log=dimension.log)
    else:
        value = trial.suggest_float(name, dimension.low, dimension.high, log=dimension.log)
    return value


def _sampler(config: TuneConfig, number: int) -> Any:
    seed = int(np.random.SeedSequence((config.seed, number)).generate_state(1)[0])
    if config.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=min(10, config.trials // 3), constant_liar=True)
    return optuna.samplers.RandomSampler(seed=seed)


def _queue_grid(study: Any, config: TuneConfig, say: Callable[[str], None]) -> None:
    """Put every combination that no process has queued yet into the study, in an order that the seed draws."""
    combinations = grid(config.space)
    order = np.random.default_rng(config.seed).permutation(len(combinations))[: config.trials]
    if len(order) < len(combinations):
        say(f"{len(order)} of the grid's {len(combinations)} combinations, drawn by the seed")
    if study.user_attrs.get("queued", 0) >= len(order):
        return
    for i in order.tolist():
        study.enqueue_trial(combinations[i], skip_if_exists=True)
    study.set_user_attr("queued", len(order))


def _counted(study: Any) -> int:
    return len(study.get_trials(deepcopy=False, states=_COUNTED))


def _waiting(study: Any) -> bool:
    return bool(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))


def _digest(params: dict[str, Value]) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:12]


def _short(value: Value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
