"""Classification: one label a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.classify import softmax

from ...augment import Recipe, apply
from ...config import TrainConfig
from ...task import Arrays, Build, Draw, FittedHead, Outputs, Score, Settled, Targets, Task
from .calibrate import settle_classes
from .data import open_classes
from .head import fitted_classes
from .imbalance import Remedy, choose_remedy, class_weights
from .labels import class_ids, class_targets
from .losses import distillation_loss, loss_by_name, smoothed
from .meter import ClassifyMeter
from .metrics import measure
from .reading import class_reading
from .report import sections
from .told import told

__all__ = ["classify"]


def classify(config: TrainConfig, classes: Sequence[str], counts: Sequence[int]) -> Task:
    """The task of telling classes apart; counts (training images a class) decide what is done about imbalance."""
    remedy = choose_remedy(np.asarray(counts), config.imbalance, own_loss=config.loss not in ("cross-entropy", "focal"))
    measured = loss_by_name("focal" if remedy.method == "focal" else config.loss, config.focal_gamma)
    weights = torch.from_numpy(class_weights(np.asarray(counts))) if remedy.method == "weights" else None

    def augment(recipe: Recipe, pixels: Tensor, targets: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        inputs, mixed = apply(
            recipe, pixels, targets, seed=draw.seed, epoch=draw.epoch, samples=draw.samples, classes=len(classes)
        )
        return inputs, mixed if mixed.ndim == 2 else F.one_hot(mixed, len(classes)).float()

    def losses(outputs: Outputs, targets: Tensor) -> Tensor:
        each = measured(outputs["logits"].float(), smoothed(targets, config.label_smoothing or 0.0))
        return each if weights is None else each * (targets @ weights.to(targets.device))

    def settle(outputs: Arrays, targets: Targets, false_accepts: float) -> Settled:
        return settle_classes(outputs["logits"], class_ids(targets), classes, false_accepts, config.keep)

    def summary(outputs: Arrays, targets: Targets, settled: Settled) -> dict[str, Any]:
        temperature = settled.decode.options["temperature"]
        return measure(class_ids(targets), softmax(outputs["logits"], temperature), classes)

    def regress(features: NDArray[np.float32], targets: Targets, fold_of: NDArray[np.intp]) -> FittedHead:
        counted = None if weights is None else weights.numpy()
        return fitted_classes(features, targets, fold_of, classes=classes, weights=counted)

    return Task(
        "classify",
        ("logits",),
        open_classes,
        class_targets,
        _head,
        augment,
        losses,
        ClassifyMeter,
        Score("accuracy", word="right"),
        settle,
        summary,
        sections,
        told=told,
        balance=class_ids if remedy.method == "balanced" else lambda _: None,
        distil=_distil,
        regress=regress,
        sureness=lambda answers, decode: softmax(answers["logits"], _temperature(decode)).astype(np.float32),
        named=lambda outputs: outputs["logits"].argmax(1),
        reading=lambda decode, _shown: class_reading(classes, _temperature(decode)),
        backbone=True,
        notes=lambda: _notes(remedy),
    )


def _head(build: Build, classes: Sequence[str]) -> nn.Module:
    return build(len(classes))


def _distil(outputs: Outputs, teacher: Outputs, temperature: float) -> Tensor:
    return distillation_loss(outputs["logits"], teacher["logits"], temperature)


def _notes(remedy: Remedy) -> tuple[str, ...]:
    return (f"imbalance: {remedy.why}",) if remedy.told else ()


def _temperature(decode: Decode) -> float:
    """The fitted one; 1 of a training that was stopped before it had any."""
    return float(decode.options.get("temperature", 1.0))
