"""What can be chosen of every network; a network takes what has a meaning for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgelens.runtime.errors import UsageError

__all__ = ["ACTIVATIONS", "POOLINGS", "Activation", "ModelOptions", "Pooling", "Shape", "wider"]

Pooling = Literal["max", "average"]
Activation = Literal["relu", "relu6", "leaky", "elu", "gelu", "silu", "hardswish", "tanh", "sigmoid"]

POOLINGS: tuple[Pooling, ...] = ("max", "average")
ACTIVATIONS: tuple[Activation, ...] = (
    "relu",
    "relu6",
    "leaky",
    "elu",
    "gelu",
    "silu",
    "hardswish",
    "tanh",
    "sigmoid",
)

_WIDEST = 100  # times the channels of every layer; one layer's weights would fill a machine's memory


@dataclass(frozen=True)
class ModelOptions:
    """Size and flavour of a network; None takes the network's own value."""

    width: float = 1.0  # multiplies the channels of every layer
    depth: int | None = None  # blocks a stage, or layers, as the network's file says
    dense: int | None = None  # units of the hidden dense layer
    pool: Pooling | None = None
    activation: Activation | None = None
    dropout: float | None = None
    finest: int | None = None  # the finest stride at which a detector answers
    neck: int | None = None  # maps of a detector's neck and heads

    def __post_init__(self) -> None:
        for option, said, known in (("pool", self.pool, POOLINGS), ("activation", self.activation, ACTIVATIONS)):
            if said is not None and said not in known:
                raise UsageError(f"--{option} {said}: must be one of {', '.join(known)}")
        if not 0 < self.width <= _WIDEST:
            raise UsageError(f"--width {self.width}: must be above 0 and at most {_WIDEST}")
        for option, count in (("depth", self.depth), ("dense", self.dense), ("neck", self.neck)):
            if count is not None and count < 1:
                raise UsageError(f"--{option} {count}: must be at least 1")
        if self.dropout is not None and not 0 <= self.dropout <= 0.95:
            raise UsageError(f"--dropout {self.dropout}: must be at least 0 and at most 0.95")
        if self.finest not in (None, 4, 8, 16):
            raise UsageError(f"--finest {self.finest}: must be 4, 8 or 16")


@dataclass(frozen=True)
class Shape:
    """What goes into a network and how many classes come out."""

    channels: int
    height: int
    width: int
    classes: int


def wider(channels: int, width: float, multiple: int = 8) -> int:
    """Channels times a width, rounded to a multiple that vector units like; never below one multiple."""
    return channels if width == 1 else max(multiple, round(channels * width / multiple) * multiple)
