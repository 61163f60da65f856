"""The tasks by name; each is imported when a model needs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..bundle.manifest import Network
from ..decode.catalog import decoder_for
from ..decode.protocol import Decoder
from ..errors import ModelError
from .task import Task

__all__ = ["PLAIN", "TASKS", "decoder_of", "task_for", "task_of"]

PLAIN = "classify"  # what data is for that shows nothing else


def _classify() -> Task:
    from .classify import TASK

    return TASK


def _detect() -> Task:
    from .detect import TASK

    return TASK


def _identify() -> Task:
    from .identify import TASK

    return TASK


def _read() -> Task:
    from .read import TASK

    return TASK


TASKS: dict[str, Callable[[], Task]] = {
    "classify": _classify,
    "detect": _detect,
    "identify": _identify,
    "read": _read,
}


def task_of(name: str, where: str = "") -> Task:
    """The task that a model was trained for; `where` names the model in the message of an unknown one."""
    if name not in TASKS:
        said = f"{where}: " if where else ""
        raise ModelError(f"{said}its task {name[:40]!r} is not known here ({', '.join(TASKS)}): update edgelens")
    return TASKS[name]()


def task_for(data: str | Path, format: str | None = None) -> str:  # noqa: A002 (the option's name)
    """The name of the task that a data set is made for, as far as it shows."""
    path = Path(data)
    if not path.exists():
        return PLAIN
    return next((name for name, task in TASKS.items() if task().holds(path, format)), PLAIN)


def decoder_of(network: Network) -> Decoder:
    """What reads a network's outputs: its task's own decoder, else the one of the catalog that its manifest names."""
    own = task_of(network.task).decoder
    return decoder_for(network) if own is None else own(network)
