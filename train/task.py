"""A task: everything of a training that depends on what the network is to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import UsageError
from edgelens.runtime.preprocess import PixelContract

from .augment import Recipe
from .config import EPOCHS
from .data.config import DataConfig
from .data.targets import Targets
from .report.findings import Findings
from .report.score import Score
from .report.told import Told

if TYPE_CHECKING:  # what stores a run's configuration loads no task
    from .config import TrainConfig

__all__ = [
    "Arrays",
    "Build",
    "Draw",
    "FittedHead",
    "Looks",
    "Meter",
    "Outputs",
    "Pace",
    "Reading",
    "Score",
    "Settled",
    "Targets",
    "Task",
    "by_name",
    "keep_all",
    "class_number",
]

Outputs = Mapping[str, Tensor]  # a batch's, by name: (B, ...) each
Arrays = Mapping[str, NDArray[np.float32]]  # a split's, by name: (N, ...) each
Build = Callable[[int], nn.Module]  # the chosen network with so many outputs, as a task's head takes it


def by_name(raw: Any, names: Sequence[str]) -> dict[str, Tensor]:
    """A network's outputs by name: it gives a tensor, a mapping, or several in the names' order, more behind."""
    if isinstance(raw, Mapping):
        return {name: raw[name] for name in names}
    given = (raw,) if isinstance(raw, Tensor) else tuple(raw)
    return dict(zip(names, given[: max(len(names), 1)], strict=True))


@dataclass(frozen=True)
class Draw:
    """What decides a batch's random draws: samples (B,) are the pictures' numbers in the data set."""

    seed: int
    epoch: int
    samples: Tensor


@dataclass(frozen=True)
class Looks:
    """The picture that suits a task, and the network, where nobody says otherwise."""

    resize: str = "crop"
    photo: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # by network: pixels a side, least and most
    size: Callable[[ImageSet], tuple[int, int]] | None = None  # height, width; None: by the pictures and the network
    network: str | None = None  # what `--model auto` is; None: by the pictures
    small: str = "lens-s"  # what it is then of pictures that show no scenes
    sides: tuple[int, ...] = (224, 192, 160, 128, 96)  # lite0's pictures, of which a board's time takes one
    beside: float = 1.0  # times lite0's own work that a picture costs, with what the task lays on it
    scene: int = 128  # pixels a side from which what has seen the world knows more than a small network of its own


@dataclass(frozen=True)
class Pace:
    """Images a step and epochs where they are left open: of few images fewer a step, and more often."""

    batch: int = 128
    few_batch: int = 32
    few: int = 1500  # training images; of 720 photos 32 a step got 68 % right where 128 got 62
    steps: int = 1500  # at least, in all; of 240 faces 60 epochs got all right in validation where 30 got 88 % right
    epochs: int = EPOCHS  # at least
    most_epochs: int = 100

    def per_step(self, images: int) -> int:
        """Of so many training images, how many a step."""
        return self.batch if images > self.few else self.few_batch


@dataclass(frozen=True)
class Settled:
    """What makes scores mean something on the device, and one line that says so."""

    decode: Decode
    said: str = ""


class Meter(Protocol):
    """Measures a split batch by batch; it keeps sums, not outputs."""

    def add(self, outputs: Outputs, targets: Any) -> None:
        """Count a batch: float32 outputs, and targets as they were picked."""

    def state(self) -> Any:
        """What was counted so far, as plain numbers or arrays that can be sent to another process."""

    def merge(self, states: Sequence[Any]) -> None:
        """Count what the meters of all processes counted, this one's among them, in place of this one's."""

    def result(self) -> dict[str, float]:
        """The figures by name; "loss" is one of them, the score another."""


@dataclass(frozen=True)
class Reading:
    """What can be asked of a network's outputs for one of its answers, given by number, a picture: (B,) each."""

    outputs: tuple[str, ...]  # the network's
    value: Callable[[Outputs, Tensor], Tensor]  # what gradients are taken of
    score: Callable[[Outputs, Tensor], Tensor]  # how sure that is, from 0 to 1
    # (outputs of one picture, name or None) → what the network answers, or what is called so, in its parts
    answers: Callable[[Outputs, str | None], list[int]]
    name: Callable[[int], str]
    similar: Callable[[Outputs], list[int]] | None = None  # of one picture: the shown ones that are most like it
    picture: Callable[[int], NDArray[np.uint8]] | None = None  # what such a one shows, BGR
    method: str | None = None  # the explanation that shows its answers best; None: as the network has it
    between: str = ""  # what stands between the parts of an answer
    # (outputs of one picture, answer) → its corners x1, y1, x2, y2 in the network's picture; None: it has no place
    place: Callable[[Outputs, int], NDArray[np.float32]] | None = None


def class_number(label: str, classes: Sequence[str]) -> int:
    """The number of the class that `explain --class` names."""
    if label not in classes:
        raise UsageError(f"--class {label}: is none of this run's: {', '.join(classes)}")
    return list(classes).index(label)


class Shown(Protocol):
    """Pictures that an answer may be compared with."""

    @property
    def names(self) -> Sequence[str]:
        """Whose picture each is."""

    @property
    def outputs(self) -> Arrays:
        """What the network makes of them."""

    def image(self, row: int) -> NDArray[np.uint8]:
        """One of them, BGR."""


@dataclass(frozen=True)
class FittedHead:
    """A head that was fitted on frozen features, and its answers to pictures that it was not fitted on."""

    weights: Mapping[str, NDArray[np.float32]]  # by the names of the network's parameters
    outputs: Arrays  # (N, ...) each row of a head that was fitted without the row's fold
    said: str  # what people should know of it


def keep_all(outputs: Outputs) -> Outputs:
    """All that the network gives: what the meter can count again."""
    return outputs


def _none(_targets: Targets) -> None:
    return None


@dataclass(frozen=True)
class Task:
    """What the loop, the run's end and compression's repairs ask of a task."""

    name: str
    outputs: tuple[str, ...]  # the network's, in the order that it gives them
    open_data: Callable[[DataConfig], ImageSet]  # refuses what the task cannot learn from
    targets: Callable[[ImageSet, PixelContract], Targets]  # of the pictures that the contract makes of the set
    head: Callable[[Build, Sequence[str]], nn.Module]  # (network with so many outputs, classes) → the whole network
    # (recipe, pixels (B, C, H, W) uint8, targets, draw) → inputs in [-1, 1) and what the targets became
    augment: Callable[[Recipe, Tensor, Any, Draw], tuple[Tensor, Any]]
    loss: Callable[[Outputs, Any], Tensor]  # (outputs, augmented targets) → (B,)
    meter: Callable[[], Meter]
    score: Score
    # (outputs of the validation split, its targets, false accepts allowed)
    settle: Callable[[Arrays, Targets, float], Settled]
    summary: Callable[[Arrays, Targets, Settled], dict[str, Any]]  # every metric as JSON, once at the end
    report: Callable[[Findings], list[str]]  # the report's sections, HTML
    told: Callable[[Findings], Told] | None = None  # a run in a few lines
    keep: Callable[[Outputs], Outputs] = keep_all  # what of a batch's outputs is kept for settle, summary and report
    balance: Callable[[Targets], NDArray[np.int64] | None] = _none  # (N,) kinds that are to come equally often
    # (N,) how often each comes for one time that others come; None: all alike. Where `balance` says nothing
    repeats: Callable[[Targets], NDArray[np.float64] | None] = _none
    # whether an answer says something by itself; False: answers are compared, and those of two networks cannot be
    alone: bool = True
    sized: bool = False  # whether a picture of another size is answered in another shape
    together: int = 1  # pictures of one kind that a batch holds at least, as far as `balance` tells kinds
    distil: Callable[[Outputs, Outputs, float], Tensor] | None = None  # (own, teacher's, temperature) → (B,)
    # (frozen features (N, F), targets, each picture's fold (N,)) → the head; None: it is learnt with all the rest
    regress: Callable[[NDArray[np.float32], Targets, NDArray[np.intp]], FittedHead] | None = None
    # (features (N, F) that a training has led to, targets) → the head fitted once more, for where it validates better;
    # None: the head that was learnt stays
    refit: Callable[[NDArray[np.float32], Targets], FittedHead] | None = None
    # how sure its settled answers are of each class, (N, classes); None: it has no classes to be sure of
    sureness: Callable[[Arrays, Decode], NDArray[np.float32]] | None = None
    # the numbers of its answers (N,) where they are classes that pictures can be named by, for a student to learn
    named: Callable[[Outputs], Tensor] | None = None
    # what `explain` asks of its answers, as they were settled, and as they compare with pictures that are shown to it
    reading: Callable[[Decode, Shown], Reading] | None = None
    # the configuration with what its data says where nobody did (an alphabet, a share), or why they do not fit
    completed: Callable[[TrainConfig, ImageSet], TrainConfig] | None = None
    heads: tuple[str, ...] = ("classifier",)  # the network's layers that are its own, which stay out of `backbone`
    backbone: bool = False  # whether the kit's backbone is its start where photos are few
    looks: Looks = field(default_factory=Looks)
    pace: Pace = field(default_factory=Pace)
    pace_of_known: Pace | None = None  # where the network has seen the world already; None: the same
    recipes: Mapping[str, Recipe] = field(default_factory=dict)  # its own augmentations, before those of `augment`
    notes: Callable[[], tuple[str, ...]] = tuple  # lines to say before a training
