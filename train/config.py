"""What a training is told: one frozen dataclass, stored with the run as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgelens.runtime.errors import DataError

from .models.options import ModelOptions

__all__ = ["TrainConfig"]


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training's outcome; None means the recipe's, network's or optimizer's own value."""

    data: str
    out: str
    model: str = "resnet8"
    options: ModelOptions = field(default_factory=ModelOptions)
    task: str = "classify"
    seed: int = 0
    # data
    format: str | None = None
    val_fraction: float = 0.1
    size: tuple[int, int] | None = None  # height, width of the network's picture
    color: str | None = None  # "rgb" or "gray"
    resize: str = "crop"
    # the loop
    epochs: int = 20
    batch: int = 128
    optimizer: str = "adamw"
    rate: float | None = None
    momentum: float = 0.9
    l1: float = 0.0
    l2: float | None = None
    schedule: str = "cosine"
    warmup: float = 0.0  # in epochs
    clip: float = 0.0  # the gradient's largest norm; 0 leaves it
    ema: float = 0.0  # decay a step; 0 keeps no average
    loss: str = "cross-entropy"
    focal_gamma: float = 2.0
    label_smoothing: float = 0.0
    patience: int = 0  # epochs without a better validation before it stops; 0 never stops early
    # the machine
    threads: int | None = None
    precision: str = "auto"  # "auto", "float32", "channels-last", "bfloat16"
    checkpoint_s: float = 60.0

    def as_json(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainConfig:
        """The configuration that a run stored; keys of a newer kit are passed over."""
        known = {f.name for f in dataclasses.fields(cls)}
        kept = {name: value for name, value in values.items() if name in known}
        try:
            kept["options"] = ModelOptions(**kept.get("options", {}))
            if kept.get("size"):
                kept["size"] = tuple(kept["size"])
            return cls(**kept)
        except TypeError as error:
            raise DataError(f"run.json: its configuration cannot be read ({error})") from None
