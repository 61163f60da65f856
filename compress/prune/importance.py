"""How much a channel matters: by its weights, by its batch norm's scale, or by what the loss says of it (Taylor)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from edgelens.runtime.errors import UsageError

from ..learn.pictures import Pictures
from ..network.prepared import prepared_batches

__all__ = ["IMPORTANCES", "importance", "with_gradients"]


def _magnitude() -> Any:
    import torch_pruning as tp

    return tp.importance.GroupMagnitudeImportance(p=2)


def _batch_norm_scale() -> Any:
    import torch_pruning as tp

    return tp.importance.BNScaleImportance()


def _taylor() -> Any:
    import torch_pruning as tp

    return tp.importance.GroupTaylorImportance()


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


def with_gradients(network: nn.Module, data: Pictures, count: int = 512) -> None:
    """The loss's gradients over some training pictures, left in the parameters for Taylor's importance."""
    network.eval().zero_grad()
    labels = torch.from_numpy(data.labels[:count].astype(np.int64))
    for i, batch in enumerate(prepared_batches(data.pixels[:count], 64)):
        loss = F.cross_entropy(network(batch), labels[i * 64 : i * 64 + len(batch)])
        loss.backward()  # type: ignore[no-untyped-call]
