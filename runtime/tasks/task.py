"""A task: everything of the runtime that depends on what a network was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..decode.protocol import Decoder
from ..recognitions import Recognitions

if TYPE_CHECKING:  # only what draws or explains needs it
    from .asking import Asked, Read
    from .canvas import Canvas

Looked = tuple[int, tuple[int, int], Recognitions]  # row of the data, height and width, what was seen

__all__ = ["Answer", "Closeness", "Labelled", "Report", "Steady", "Table", "Task", "Teachable"]


@dataclass(frozen=True)
class Answer:
    """What a network answered to one picture: its outputs by name, and what they were decoded to."""

    outputs: Mapping[str, NDArray[Any]]
    seen: Recognitions


@dataclass(frozen=True)
class Closeness:
    """What counts as uncertain."""

    near: float = 0.1  # scores up to so far above the threshold
    lead: float = 0.1  # a best class that leads the second by less


@dataclass(frozen=True)
class Table:
    """A table that people read."""

    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""


@dataclass(frozen=True)
class Teachable:
    """By which of its outputs a network can be taught new things on a device."""

    output: str
    features: bool = True  # False: its answers, which tell fewer things apart and are compared with no one else's
    beside: bool = False  # whether what it was trained for stays an answer beside what is taught
    # (share of strangers, the cosine that so many of them reach with somebody), falling; empty where that is not known
    accepts: tuple[tuple[float, float], ...] = ()
    false_accepts: float | None = None  # share of strangers that may be taken for somebody; None is the gallery's own


def _cannot_say(_path: Path, _format: str | None) -> bool:
    return False


def _not_taught(_: Network) -> Teachable | None:
    return None


class Labelled(Protocol):
    """A data set with the truth beside each picture."""

    @property
    def root(self) -> str:
        """Where it comes from, for messages."""

    def image(self, i: int) -> NDArray[np.uint8]:
        """The picture of one row, uint8 BGR."""

    def content(self, i: int) -> bytes:
        """What tells it from every other one: its file's bytes."""

    def __len__(self) -> int: ...


class Report(Protocol):
    """What an evaluation found."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `task` and `accuracy` (the task's score, 0 to 1) are in every task's."""

    def tables(self) -> Sequence[Table]:
        """What people read first."""

    def lines(self) -> Sequence[str]:
        """What else should be said, a line each; the last one sums up in a few words."""


class Steady(Protocol):
    """Steadies one source's answers over time; keeps what it needs of earlier frames."""

    def __call__(self, seen: Recognitions, weight: float, decode: Decode) -> Recognitions:
        """The frame's answer with the newest frame weighing `weight`; 1 is no smoothing."""


@dataclass(frozen=True)
class Task:
    """What the loop, `verify`, `evaluate`, sinks and page ask of a task."""

    name: str
    load: Callable[[str, str | None, str | None], tuple[Any, str]]  # (path, format, split) → data and the split's name
    # (data, network, answers) → report; `answers` yields row, (height, width) and recognitions
    evaluate: Callable[[Any, Network, Iterable[Looked]], Report]
    agreement: Callable[[Sequence[Answer], Sequence[Answer]], float]  # the share on which two model files say the same
    steady: Callable[[], Steady]
    draw: Callable[[Canvas, Recognitions], None]
    describe: Callable[[Recognitions], str]  # what was seen in a few words
    uncertain: Callable[[Recognitions, Decode, Closeness], bool]  # (…, thresholds that hold, …) whether to look at it
    decoder: Callable[[Network], Decoder] | None = None  # of outputs that no decoder of the catalog reads
    holds: Callable[[Path, str | None], bool] = _cannot_say  # whether a path's data shows that it is made for this
    teachable: Callable[[Network], Teachable | None] = _not_taught
    labelled: bool = True  # its rows have labels, which a network is to bring; False: they tell by what they look like
    thresholded: bool = True  # a threshold decides over its rows
    places: bool = False  # its rows say where in the frame they are, so that they can be followed
    # (network, answer, how its outputs are read, name or None) → what was answered, or what is called so, as `explain`
    # asks for it; None: it has no such parts, or is taught what its answers are called
    ask: Callable[[Network, Answer, Read, str | None], Asked] | None = None
    evaluated_at: float | None = None  # the threshold that an evaluation decodes with; None is the model's own
