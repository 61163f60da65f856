"""The tasks by name."""

from __future__ import annotations

from collections.abc import Callable

from edgelens.runtime.errors import UsageError

from .task import Task

__all__ = ["TASKS", "task_of"]


def _classify() -> Task:
    from .classify import TASK

    return TASK


def _read() -> Task:
    from .read import TASK

    return TASK


def _detect() -> Task:
    from .detect import TASK

    return TASK


def _identify() -> Task:
    from .identify import TASK

    return TASK


TASKS: dict[str, Callable[[], Task]] = {
    "classify": _classify,
    "detect": _detect,
    "identify": _identify,
    "read": _read,
}


def task_of(name: str, where: str = "") -> Task:
    """The task of a run that is to be compressed; `where` names the run."""
    if name not in TASKS:
        raise UsageError(f"{where}: its task {name!r} cannot be compressed yet; there are {', '.join(TASKS)}")
    return TASKS[name]()
