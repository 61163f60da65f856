"""Detection: things and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.runtime.errors import UsageError

from ...config import TrainConfig
from ...models.detector import Detector, detector_outputs, strides_from
from ...task import Arrays, Build, Looks, Outputs, Pace, Score, Settled, Targets, Task
from .answers import FOUND, found_in, kept_outputs
from .data import open_boxes
from .loss import box_distillation, detection_loss
from .meter import DetectMeter
from .metrics import measure
from .moved import augmented
from .rare import repeat_factors
from .reading import box_reading
from .recipes import RECIPES
from .report import sections
from .settle import settle_boxes
from .targets import box_targets
from .told import told

__all__ = ["detect"]

_NECKS = {"lens-det-s": 48, "lens-det-m": 64, "lite0": 64}  # maps of the neck and heads


def detect(config: TrainConfig, classes: Sequence[str], counts: Sequence[int]) -> Task:
    """The task of finding things; counts (training boxes a class) say nothing that its loss would need."""
    del counts
    strides = strides_from(config.options.finest or 8)

    def head(build: Build, names: Sequence[str]) -> nn.Module:
        return _detector(config, build, len(names), strides)

    def loss(outputs: Outputs, targets: Any) -> Tensor:
        return detection_loss(outputs, targets, strides)

    def keep(outputs: Outputs) -> Outputs:
        return _found(outputs, strides)

    def settle(outputs: Arrays, targets: Targets, _false_accepts: float) -> Settled:
        return settle_boxes(kept_outputs(outputs, strides), targets, classes, strides)

    def summary(outputs: Arrays, targets: Targets, settled: Settled) -> dict[str, Any]:
        return measure(kept_outputs(outputs, strides), targets, classes, settled.decode)

    return Task(
        "detect",
        detector_outputs(strides),
        open_boxes,
        box_targets,
        head,
        augmented,
        loss,
        lambda: DetectMeter(loss, len(classes), strides),
        Score("map50_95", counted=False, called="mAP50-95"),
        settle,
        summary,
        sections,
        told=told,
        sized=True,
        keep=keep,
        repeats=lambda targets: repeat_factors(targets, len(classes)),
        distil=lambda own, teacher, _temperature: box_distillation(own, teacher, strides),
        reading=lambda decode, _shown: box_reading(classes, strides, decode),
        heads=("neck", "head"),
        backbone=True,
        looks=Looks("letterbox", {"lite0": (320, 320)}, small="lens-det-s", sides=(320, 256, 192), beside=1.3),
        # 8 a step: 292 pictures of blood cells validated at an mAP50-95 of .58 where 16 got .57, and twelve epochs of
        # 156 photos on lite0 at .52 where 16 got .38
        pace=Pace(batch=16, few_batch=8, few=2000, steps=8000, epochs=60, most_epochs=300),
        pace_of_known=Pace(batch=16, few_batch=8, few=2000, steps=600, epochs=12, most_epochs=120),
        recipes=RECIPES,
    )


def _detector(config: TrainConfig, build: Build, classes: int, strides: tuple[int, ...]) -> nn.Module:
    network = build(1)
    trunk = getattr(getattr(network, "layers", None), "trunk", None)
    if not hasattr(trunk, "pyramid") or not set(strides) <= set(getattr(trunk, "channels", ())):
        known = ", ".join(_NECKS)
        raise UsageError(f"--model {config.model}: has no maps of several sizes, which boxes need; take {known}")
    assert isinstance(trunk, nn.Module)
    width = config.options.neck or _NECKS.get(config.model, 64)
    return Detector(trunk, strides=strides, width=width, classes=classes)


def _found(outputs: Outputs, strides: Sequence[int]) -> Outputs:
    import torch

    arrays: dict[str, NDArray[np.float32]] = {name: values.cpu().numpy() for name, values in outputs.items()}
    return {FOUND: torch.from_numpy(found_in(arrays, strides))}
