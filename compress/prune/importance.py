"""How much a channel matters: by its weights, by its batch norm's scale, or by what the loss says of it (Taylor)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from edgelens.runtime.errors import UsageError
from edgelens.train.optimize.precision import laid_out, plain_mode

from ..learn.lesson import Lesson

__all__ = ["IMPORTANCES", "importance", "with_gradients"]


def _magnitude() -> Any:
    import torch_pruning as tp

    return tp.importance.GroupMagnitudeImportance(p=2)


def _batch_norm_scale() -> Any:
    import torch_pruning as tp

    return tp.importance.BNScaleImportance()


def _taylor() -> Any:
    import torch_pruning as tp

    # in the loss's own unit over all layers: scaled to each layer's mean, the first ones lose as much as the last
    return tp.importance.GroupTaylorImportance(normalizer=None)


IMPORTANCES: dict[str, Callable[[], Any]] = {
    "magnitude": _magnitude,
    "bn-scale": _batch_norm_scale,
    "taylor": _taylor,
}


def importance(name: str) -> Any:
    """A Torch-Pruning importance by name."""
    if name not in IMPORTANCES:
        raise UsageError(f"--importance {name}: must be one of {', '.join(IMPORTANCES)}")
    return IMPORTANCES[name]()


def with_gradients(network: nn.Module, lesson: Lesson, count: int = 512) -> None:
    """The gradients of the training task's loss over some pictures, left in the parameters for Taylor's importance."""
    network.eval().zero_grad()
    mode = plain_mode(laid_out(network, "float32"))
    for inputs, targets in lesson.plain(count):
        torch.autograd.backward(lesson.loss(network(laid_out(inputs, mode)), targets).mean())
