"""What a training is told: one frozen dataclass, stored with the run as JSON."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgelens.runtime.errors import DataError, UsageError

from .data.config import DataConfig
from .data.splits import SplitConfig
from .models.options import ModelOptions

__all__ = ["AUTO", "BACKBONE", "EPOCHS", "HERE", "TrainConfig"]

AUTO = "auto"  # the network that suits the pictures
BACKBONE = "backbone"  # what `--from` calls the weights that a network has of its own
HERE = ("device", "threads", "compile", "checkpoint_s", "cache", "ram_limit")  # with which a run may go on elsewhere
EPOCHS = 30  # where nothing is said; of few images it is more
_LARGE = 1e30  # more than that is no strength of anything, and float32 ends soon behind it
_WITHIN = {  # the least and the most, as the command line has them
    "seed": (0, 2**63 - 1),
    "max_bad": (0, 1),
    "focal_gamma": (0, _LARGE),
    "false_accepts": (0, 1),
    "keep": (0, 1),
    "patience": (0, math.inf),
    "learnt_at": (0.01, 1),
    "teacher_temperature": (1e-3, _LARGE),
    "threads": (1, math.inf),
    "checkpoint_s": (0, math.inf),
}


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training's outcome; None means the network's, optimizer's or data's own value."""

    data: str
    out: str
    model: str = AUTO
    options: ModelOptions = field(default_factory=ModelOptions)
    task: str = "classify"
    seed: int = 0
    # data
    format: str | None = None
    data_dir: str | None = None
    cache: str | None = None
    group: str | None = None
    groups: str | None = None
    val: float = 0.15
    test: float = 0.0
    folds: int = 0
    fold: int = 0
    share: float = 1.0  # of the training images, for learning curves
    max_bad: float = 0.01
    ram_limit: int | None = None  # bytes
    size: tuple[int, int] | None = None  # height, width of the network's picture
    most_side: int | None = None  # pixels of its longer side at most, where the pictures decide its size
    color: str | None = None  # "rgb" or "gray"
    resize: str | None = None  # how a photo meets that size; None: as it suits the task
    augment: str | None = None  # a recipe of edgelens.train.augment; None: as it suits the training
    mirror: bool | None = None  # mirrored pictures; None where the classes' names allow them
    imbalance: str = "auto"
    alphabet: str | None = None  # the characters that a network reads; those of the data's texts unless said
    written: float = 0.0  # share of the pictures that are written with this machine's fonts, of networks that read
    spliced: float = 0.0  # share of the pictures that are put together of two, cut where the network of `start` says
    texts: str | None = None  # what is written: a file of words, or a pattern; any characters unless said
    plates: tuple[str, ...] = ()  # layouts of plates that are written instead, by name or file
    # the loop
    minutes: float | None = None  # of training, after the head on a frozen trunk; None: by the data; 0: that head alone
    epochs: int = 0  # passes over the training images; 0: as many as suit their number
    batch: int = 0  # images a step; 0 likewise
    optimizer: str = "adamw"
    rate: float | None = None
    # the first layer's share of the rate; between it and the head it rises geometrically; None: all of it, or as gentle
    # as what knows the world is fine-tuned
    first_rate: float | None = None
    learnt_at: float = 1.0  # the share of the pictures' side at which they are learnt; they validate at all of it
    frozen_norm: bool = False  # whether batch normalisation keeps the statistics that it started with
    momentum: float = 0.9
    l1: float = 0.0
    l2: float | None = None
    schedule: str = "cosine"
    warmup: float = 1.0  # epochs
    clip: float = 0.0  # the gradient's largest norm; 0 leaves it
    ema: float | None = None  # decay a step; 0 keeps no average, nor does None where nothing is fine-tuned
    halfway: bool = False  # whether what is kept may lie halfway back to the first weights, which knew much
    loss: str = "cross-entropy"
    focal_gamma: float = 2.0
    label_smoothing: float | None = None  # None: none, or fine-tuning's own
    false_accepts: float = 0.05  # share of false answers that the threshold for `unknown` may let through
    keep: float = 0.95  # share of right answers that it keeps before all
    patience: int = 0  # epochs without a better validation before it stops; 0 never stops early
    start: str | None = None  # a run or .safetensors file whose weights are taken over, or BACKBONE
    scratch: bool = False  # random weights even where the network has some of its own
    freeze: tuple[str, ...] = ()
    teacher: str | None = None  # a run to distil from
    unlabelled: str | None = None  # a folder of photos that the teacher names
    teacher_share: float = 0.7
    teacher_temperature: float = 4.0
    # the machine
    device: str | None = None  # "cpu" or "cuda"
    threads: int | None = None
    precision: str = "auto"  # or a mode of edgelens.train.optimize.precision
    compile: bool = False
    checkpoint_s: float = 60.0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise UsageError(f"share {self.share}: must be above 0 and at most 1")
        for name in ("epochs", "batch", "minutes", "first_rate", "rate", "l1", "l2", "clip", "warmup", "ema"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= _LARGE:  # nan neither
                raise UsageError(f"{name} {value}: must be a number of at least 0")
        for name, (least, most) in _WITHIN.items():
            if (value := getattr(self, name)) is not None and not least <= value <= most:
                up_to = "" if most in (math.inf, _LARGE) else f" and at most {most}"
                raise UsageError(f"{name} {value}: must be at least {least}{up_to}")
        if self.device not in (None, "cpu", "cuda"):
            raise UsageError(f"--device {self.device}: must be cpu or cuda")
        if not 0 <= self.momentum < 1:
            raise UsageError(f"momentum {self.momentum}: must be at least 0 and below 1")
        if (self.ema or 0) >= 1 or not 0 <= (self.label_smoothing or 0) < 1 or not 0 <= self.teacher_share <= 1:
            raise UsageError("ema and label smoothing must be below 1, the teacher's share between 0 and 1")
        if self.unlabelled and not self.teacher:
            raise UsageError(f"--unlabelled {self.unlabelled}: goes with --teacher RUN, which names them")
        if self.scratch and self.start:
            raise UsageError(f"--scratch and --from {self.start}: choose one")

    @property
    def augmentation(self) -> str:
        """The recipe by its name, where nobody named one, too."""
        return "default" if self.augment is None else self.augment

    @property
    def starts_from_a_run(self) -> bool:
        """Whether the first weights are another run's, not a file's or the network's own."""
        return self.start not in (None, BACKBONE) and Path(str(self.start)).is_dir()

    def data_config(self) -> DataConfig:
        """The part that the data is prepared by."""
        return DataConfig(
            self.data,
            self.format,
            self.data_dir,
            SplitConfig(self.val, self.test, self.seed, self.folds, self.fold),
            self.group,
            self.groups,
            self.max_bad,
            self.ram_limit,
            self.cache,
        )

    def anchored(self) -> TrainConfig:
        """The configuration with absolute paths, so that a run can be opened from anywhere."""
        names = ["data_dir", "cache", "groups", "start", "teacher", "unlabelled"]
        names += ["data"] if self.data_dir is None else []  # else it is a set's name, whatever lies here under it
        paths = {name: getattr(self, name) for name in names if getattr(self, name) != BACKBONE}
        there: dict[str, Any] = {
            name: str(Path(path).absolute()) for name, path in paths.items() if path and Path(path).exists()
        }
        return dataclasses.replace(self, **there)

    def as_json(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: str = "run.json") -> TrainConfig:
        """The configuration that a run or a file stored; keys of a newer kit are passed over."""
        known = {f.name for f in dataclasses.fields(cls)}
        kept = {name: value for name, value in values.items() if name in known}
        try:
            options = ModelOptions(**_fitting(ModelOptions, kept.get("options", {}), where))
            return cls(**_fitting(cls, {**kept, "options": options}, where))
        except TypeError as error:
            raise DataError(f"{where}: its configuration cannot be read ({error})") from None


def _fitting(kind: type[Any], values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The values with lists as the tuples that dataclasses hold; what fits no field of its name is a DataError."""
    hints = typing.get_type_hints(kind)
    made = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    for name, value in made.items():
        if name in hints and not _fits(hints[name], value):
            raise DataError(f"{where}: {name} is {values[name]!r}, which does not fit")
    return made


def _fits(hint: Any, value: Any) -> bool:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(part, value) for part in parts)
    if origin is tuple:
        wanted = parts[:1] * len(value) if parts[-1] is ... and isinstance(value, tuple) else parts
        return isinstance(value, tuple) and len(value) == len(wanted) and all(map(_fits, wanted, value))
    if origin is typing.Literal:  # which words there are says the dataclass itself
        return isinstance(value, str)
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint)
