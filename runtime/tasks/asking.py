"""What `explain` asks of an answer: how sure the network is of each of its parts, also where less can be seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from ..errors import UsageError
from ..recognitions import Recognitions

__all__ = ["Asked", "Outputs", "Question", "Read", "few_of", "named_among"]

Outputs = Mapping[str, NDArray[Any]]
_SHOWN = 8  # names in a message


@dataclass(frozen=True)
class Question:
    """A class, a character or a thing, and how sure other outputs of the network for this picture are of it."""

    label: str
    sure: Callable[[Outputs], float]  # 0 to 1
    box: tuple[float, ...] | None = None  # x, y, w, h of a thing, in pixels of the frame


class Read(Protocol):
    """The network's decoder for one picture's outputs, where they lie in the frame."""

    def __call__(self, outputs: Outputs, threshold: float | None = None) -> Recognitions:
        """What they say; a threshold here holds for all labels."""


@dataclass(frozen=True)
class Asked:
    """An answer in its parts."""

    questions: tuple[Question, ...]
    between: str = ""  # what stands between their labels


def named_among(label: str, names: Sequence[str]) -> int:
    """The number of the class that `explain --class` names."""
    if label not in names:
        raise UsageError(f"--class {label}: is none of this model's: {few_of(names)}")
    return list(names).index(label)


def few_of(names: Sequence[str]) -> str:
    """Names for a message, and how many more there are."""
    more = f", … {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
