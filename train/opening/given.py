"""Options that were given and that neither the task nor the network of a training reads: they are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields

from edgelens.runtime.errors import UsageError

from ..config import TrainConfig
from ..data.named import NAMED
from ..models.catalog import NETWORKS
from ..models.options import ModelOptions
from ..optimize.optimizers import OPTIMIZERS
from ..tasks.catalog import OPTIONS, UNREAD, make_task

__all__ = ["flag", "refuse_useless", "useless"]

_SHAPING = frozenset(field.name for field in fields(ModelOptions))

_WITH_MOMENTUM = tuple(name for name, entry in OPTIMIZERS.items() if entry.momentum)

_GOES_WITH: dict[str, tuple[Callable[[TrainConfig], bool], str]] = {
    "data_dir": (lambda config: config.data in NAMED, f"a set's name as DATA: {', '.join(NAMED)}"),
    "group": (lambda config: config.groups is None, "no --groups FILE beside it"),
    "loss": (
        lambda config: config.imbalance != "focal" or config.loss in ("cross-entropy", "focal"),
        "another --imbalance than focal, which is a loss itself",
    ),
    "momentum": (lambda config: config.optimizer in _WITH_MOMENTUM, f"--optimizer {', '.join(_WITH_MOMENTUM)}"),
    "val": (lambda config: config.folds == 0, "no --folds beside it: the fold validates"),
    "test": (lambda config: config.folds == 0, "no --folds beside it: all photos are in a fold"),
    "fold": (lambda config: config.folds > 0, "--folds N"),
    "focal_gamma": (lambda config: "focal" in (config.loss, config.imbalance), "--loss focal or --imbalance focal"),
    "learnt_at": (lambda config: not make_task(config).sized, "--task classify or identify: others answer with places"),
    "spliced": (lambda config: config.starts_from_a_run, "--from RUN"),
    "plates": (lambda config: config.written > 0, "--written SHARE"),
    "texts": (lambda config: config.written > 0 and not config.plates, "--written SHARE, and not with --plates"),
    "teacher_share": (lambda config: config.teacher is not None, "--teacher RUN"),
    "teacher_temperature": (lambda config: config.teacher is not None, "--teacher RUN"),
}


def refuse_useless(given: Mapping[str, str], config: TrainConfig) -> None:
    """Refuse options, name → as it was written, that mean nothing for what is trained; `config` names its network."""
    for name, written in given.items():
        if why := useless(name, config):
            raise UsageError(f"{written}: {why}")


def useless(name: str, config: TrainConfig) -> str:
    """Why a setting means nothing for what is trained; empty where it is read."""
    owners = [task for task, names in OPTIONS.items() if name in names]
    if owners and config.task not in owners:
        return f"is for --task {owners[0]}; --task {config.task} has no use for it"
    if name in UNREAD.get(config.task, ()):
        return f"--task {config.task} has no use for it"
    if name in _SHAPING and not owners and name not in (takes := NETWORKS[config.model].takes):
        known = f"it takes {', '.join(map(flag, takes))}" if takes else "it takes no such options"
        return f"--model {config.model} has no use for it; {known}"
    if name in _GOES_WITH:
        is_met, other = _GOES_WITH[name]
        return "" if is_met(config) else f"goes with {other}"
    return ""


def flag(name: str) -> str:
    """An option as it is written."""
    return f"--{name.replace('_', '-')}"
