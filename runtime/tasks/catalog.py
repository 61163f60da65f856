"""The tasks by name; each is imported when a model needs it."""

from __future__ import annotations

from collections.abc import Callable

from ..bundle.manifest import Network
from ..decode.catalog import decoder_for
from ..decode.protocol import Decoder
from ..errors import ModelError
from .task import Task

__all__ = ["TASKS", "decoder_of", "task_of"]


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


def decoder_of(network: Network) -> Decoder:
    """What reads a network's outputs: its task's own decoder, else the one of the catalog that its manifest names."""
    own = task_of(network.task).decoder
    return decoder_for(network) if own is None else own(network)
