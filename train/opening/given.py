"""Options that were given and that neither the task nor the network of a training reads: they are refused."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import fields

from edgelens.runtime.errors import UsageError

from ..config import TrainConfig
from ..models.catalog import NETWORKS
from ..models.options import ModelOptions
from ..tasks.catalog import OPTIONS

__all__ = ["refuse_useless"]

_GOES_WITH: dict[str, tuple[Callable[[TrainConfig], bool], str]] = {
    "focal_gamma": (lambda config: "focal" in (config.loss, config.imbalance), "--loss focal or --imbalance focal"),
    "spliced": (lambda config: config.starts_from_a_run, "--from RUN"),
    "texts": (lambda config: config.written > 0, "--written SHARE"),
    "teacher_share": (lambda config: config.teacher is not None, "--teacher RUN"),
    "teacher_temperature": (lambda config: config.teacher is not None, "--teacher RUN"),
}


def refuse_useless(given: Collection[str], config: TrainConfig) -> None:
    """Refuse the options, by their names, that mean nothing for what is trained; `config` names its network."""
    own = OPTIONS.get(config.task, ())
    for task, names in OPTIONS.items():
        if useless := [name for name in names if name in given and name not in own]:
            raise UsageError(f"{_flag(useless[0])}: is for --task {task}; --task {config.task} has no use for it")
    takes = NETWORKS[config.model].takes
    shaping = [field.name for field in fields(ModelOptions) if field.name not in own]
    if useless := [name for name in shaping if name in given and name not in takes]:
        known = f"it takes {', '.join(map(_flag, takes))}" if takes else "it takes no such options"
        raise UsageError(f"{_flag(useless[0])}: --model {config.model} has no use for it; {known}")
    for name, (is_met, other) in _GOES_WITH.items():
        if name in given and not is_met(config):
            raise UsageError(f"{_flag(name)}: goes with {other}")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
