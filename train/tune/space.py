"""What can be searched, and where: a dimension is a few values or a span of numbers."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

from edgelens.runtime.errors import UsageError

from ..augment import RECIPES
from ..config import EPOCHS, TrainConfig
from ..models.catalog import NETWORKS
from ..models.options import ACTIVATIONS, POOLINGS, ModelOptions
from ..opening.given import useless
from ..optimize.optimizers import OPTIMIZERS

__all__ = [
    "OneOf",
    "Dimension",
    "Space",
    "Span",
    "combinations",
    "comparable",
    "configured",
    "default_space",
    "grid",
    "parse_search",
    "refuse_outside",
    "refuse_unread",
    "space_as_json",
]

Value = str | int | float


@dataclass(frozen=True)
class OneOf:
    """One of some values."""

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Span:
    """A number from low to high; `log` where its size matters more than its difference."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


Dimension = OneOf | Span
Space = Mapping[str, Dimension]

_NUMBERS = {
    "rate": float,
    "rate_factor": float,  # times the rate that suits the optimizer, so that optimizers can be compared
    "batch": int,
    "epochs": int,
    "momentum": float,
    "l1": float,
    "l2": float,
    "warmup": float,
    "clip": float,
    "ema": float,
    "label_smoothing": float,
    "focal_gamma": float,
    "patience": int,
    "size": int,
    "width": float,
    "depth": int,
    "dense": int,
    "dropout": float,
}
_DECIDING = ("model", "loss", "imbalance", "optimizer")  # which others are read
_WORDS = {
    "model": tuple(NETWORKS),
    "optimizer": tuple(OPTIMIZERS),
    "augment": (*RECIPES, *(f"{name}+camera" for name in RECIPES)),
    "schedule": ("constant", "step", "cosine", "one-cycle"),
    "loss": ("cross-entropy", "squared", "bce", "focal"),
    "imbalance": ("none", "weights", "balanced", "focal"),
    "pool": POOLINGS,
    "activation": ACTIVATIONS,
}


def default_space(
    config: TrainConfig, fixed: Set[str], *, small: bool = False, shaped: bool = True
) -> dict[str, Dimension]:
    """What is searched when nothing is said: everything of these that is read and the command line does not fix.

    `small` is for grids, which grow with every dimension; without `shaped` the network keeps the shape of the weights
    that it starts from.
    """
    epochs = comparable(config).epochs
    if small:
        space: dict[str, Dimension] = {
            "rate_factor": OneOf((0.3, 1.0, 3.0)),
            "optimizer": OneOf(("adamw", "nesterov")),
            "augment": OneOf(("quick", "default", "best")),
        }
    else:
        space = {
            "rate_factor": Span(0.1, 10.0, log=True),
            "batch": OneOf((32, 64, 128, 256)),
            "epochs": OneOf((max(1, epochs // 2), epochs)),
            "optimizer": OneOf(("adamw", "nesterov", "rmsprop")),
            "augment": OneOf(("none", "quick", "default", "best")),
            "width": OneOf((0.5, 1.0, 1.5)),
            "depth": OneOf((1, 2, 3)),
            "dropout": Span(0.0, 0.5),
            "l2": Span(1e-5, 0.1, log=True),
            "label_smoothing": OneOf((0.0, 0.05, 0.1)),
        }
    if "rate" in fixed:
        space.pop("rate_factor")
    if not shaped:
        space = {name: dimension for name, dimension in space.items() if name not in ("width", "depth")}
    return {name: each for name, each in space.items() if name not in fixed and not useless(name, config)}


def refuse_unread(config: TrainConfig, given: Mapping[str, str], space: Space) -> None:
    """Refuse what was given or is searched and no trial would read, before a study exists."""
    choices = {name: each.values for name, each in space.items() if name in _DECIDING and isinstance(each, OneOf)}
    trials = [
        configured(config, dict(zip(choices, some, strict=True))) for some in itertools.product(*choices.values())
    ]
    for name, written in {**given, **{name: f"--search {name}" for name in space}}.items():
        whys = [useless(name, trial) for trial in trials]
        if all(whys):
            raise UsageError(f"{written}: {whys[0]}")


def comparable(config: TrainConfig) -> TrainConfig:
    """The configuration with its epochs settled before the data is seen: trials are compared at the same length."""
    return replace(config, epochs=config.epochs or EPOCHS)


def parse_search(text: str) -> tuple[str, Dimension]:
    """A dimension from `batch=32,64,128`, `l2=1e-5..1e-1:log` or `dropout=0..0.5`."""
    name, _, wanted = text.partition("=")
    name = name.strip().replace("-", "_")
    if name in _WORDS:
        values = tuple(word.strip() for word in wanted.split(","))
        if wrong := [word for word in values if word not in _WORDS[name]]:
            raise UsageError(f"--search {text}: {name} has no {wrong[0]!r}; it knows {', '.join(_WORDS[name])}")
        return name, OneOf(values)
    if name not in _NUMBERS:
        raise UsageError(f"--search {text}: what can be searched is {', '.join([*_NUMBERS, *_WORDS])}")
    kind = _NUMBERS[name]
    try:
        if ".." in wanted:
            span, _, scale = wanted.partition(":")
            low, high = (float(part) for part in span.split(".."))
            if scale not in ("", "log") or not -math.inf < low < high < math.inf or (scale and low <= 0):
                raise ValueError
            return name, Span(low, high, log=bool(scale), whole=kind is int)
        return name, OneOf(tuple(kind(part) for part in wanted.split(",")))
    except ValueError:
        raise UsageError(f"--search {text}: write {name}=1,2,4 or {name}=1..8 or {name}=1..8:log") from None


def grid(space: Space, points: int = 3) -> list[dict[str, Value]]:
    """Every combination; a span gives so many points."""
    lists = [[(name, value) for value in _values(dimension, points)] for name, dimension in space.items()]
    count = math.prod(len(values) for values in lists)
    if count > 10_000:
        raise UsageError(f"--sampler grid: that is {count:,} trainings; name fewer dimensions or values with --search")
    return [dict(combination) for combination in itertools.product(*lists)]


def combinations(space: Space) -> float:
    """How many different settings there are; infinite where one may lie anywhere in a span."""
    return math.prod(len(each.values) if isinstance(each, OneOf) else math.inf for each in space.values())


def configured(config: TrainConfig, params: Mapping[str, Value]) -> TrainConfig:
    """The configuration with a trial's values in their places."""
    options = {name: value for name, value in params.items() if name in _OPTIONS}
    direct: dict[str, Any] = {name: value for name, value in params.items() if name not in _OPTIONS}
    if "rate_factor" in direct:
        entry = OPTIMIZERS[str(direct.get("optimizer", config.optimizer))]
        direct["rate"] = entry.rate * float(direct.pop("rate_factor"))
    if "size" in direct:
        direct["size"] = (int(direct["size"]), int(direct["size"]))
    return replace(config, options=replace(config.options, **options), **direct)  # type: ignore[arg-type]


def refuse_outside(config: TrainConfig, space: Space) -> None:
    """Refuse values, and ends of spans, that no training takes: a trial in hours would be the first to say so."""
    for name, dimension in space.items():
        for value in dimension.values if isinstance(dimension, OneOf) else _values(dimension, 2):
            try:
                configured(config, {name: value})
            except UsageError as error:
                raise UsageError(f"--search {name}: {error}") from None


def space_as_json(space: Space) -> dict[str, Any]:
    """The space as plain values, in the order of its names."""
    return {name: dataclasses.asdict(space[name]) for name in sorted(space)}


def _values(dimension: Dimension, points: int) -> list[Value]:
    if isinstance(dimension, OneOf):
        return list(dimension.values)
    places = [i / max(points - 1, 1) for i in range(points)]
    if dimension.log:
        values = [dimension.low * (dimension.high / dimension.low) ** p for p in places]
    else:
        values = [dimension.low + (dimension.high - dimension.low) * p for p in places]
    return list(dict.fromkeys(round(v) if dimension.whole else float(f"{v:.6g}") for v in values))


_OPTIONS = frozenset(field.name for field in dataclasses.fields(ModelOptions))
