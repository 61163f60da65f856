"""The tasks by name."""

from __future__ import annotations

from collections.abc import Callable

from edgelens.runtime.errors import UsageError

from ..task import Task
from .classify.classify import classify

__all__ = ["TASKS", "task_builder"]

TASKS: dict[str, Callable[..., Task]] = {"classify": classify}


def task_builder(name: str) -> Callable[..., Task]:
    """What makes the task that `--task` names."""
    if name not in TASKS:
        raise UsageError(f"--task {name}: must be one of {', '.join(TASKS)}")
    return TASKS[name]
