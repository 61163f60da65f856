"""Classification: one label a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from ...augment import Recipe, apply
from ...task import Calibration, Draw, Task
from .calibrate import background_classes, fitted_temperature, unknown_threshold
from .losses import loss_by_name, smoothed
from .metrics import measure, softmax

__all__ = ["classify"]


def classify(
    classes: Sequence[str],
    *,
    loss: str = "cross-entropy",
    focal_gamma: float = 2.0,
    label_smoothing: float = 0.0,
    class_weights: Tensor | None = None,
) -> Task:
    """The task of telling classes apart; weights (classes,) make some count more."""
    measured, count = loss_by_name(loss, focal_gamma), len(classes)

    def augment(recipe: Recipe, pixels: Tensor, targets: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        inputs, mixed = apply(
            recipe, pixels, targets, seed=draw.seed, epoch=draw.epoch, samples=draw.samples, classes=count
        )
        return inputs, mixed if mixed.ndim == 2 else F.one_hot(mixed, count).float()

    def losses(outputs: Tensor, targets: Tensor) -> Tensor:
        each = measured(outputs.float(), smoothed(targets, label_smoothing))
        return each if class_weights is None else each * (targets @ class_weights.to(targets.device))

    def metrics(outputs: Tensor, targets: Tensor) -> dict[str, float]:
        right = (outputs.argmax(1) == targets).double().mean()
        return {"loss": float(F.cross_entropy(outputs.float(), targets)), "accuracy": float(right)}

    def calibrate(outputs: Tensor, targets: Tensor, false_accepts: float) -> Calibration:
        logits, labels = outputs.numpy(), targets.numpy()
        temperature = fitted_temperature(logits, labels)
        threshold = unknown_threshold(
            logits,
            labels,
            temperature=temperature,
            false_accept_rate=false_accepts,
            background=background_classes(classes),
        )
        unknown = (
            f"under {threshold.score:.2f} an answer is unknown, which keeps {threshold.kept:.1%} of the right ones"
            if threshold.score
            else f"no answer is unknown, and {threshold.false_accepts:.1%} are false"
        )
        return Calibration(
            temperature, threshold.score, f"temperature {temperature:.2f}; {unknown} ({threshold.basis})"
        )

    def summary(outputs: Tensor, targets: Tensor, calibration: Calibration) -> dict[str, Any]:
        return measure(targets.numpy(), softmax(outputs.numpy(), calibration.temperature), classes)

    return Task("classify", augment, losses, metrics, "accuracy", calibrate, summary, report="classification")
