"""A split's embeddings, gathered batch by batch: how many identities' pictures are recognized by one other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from edgelens.runtime.decode.identify import EMBEDDING
from edgelens.runtime.metrics.identification import nearest_other, recognized, unit_rows

from ...task import Outputs

__all__ = ["IdentifyMeter"]

Gathered = list[tuple[NDArray[np.float32], NDArray[np.int64]]]


class IdentifyMeter:
    """Keeps embeddings, 128 numbers a picture: ranks are of all pictures together."""

    def __init__(self) -> None:
        self._parts: Gathered = []

    def add(self, outputs: Outputs, targets: Tensor) -> None:
        """Count a batch of embeddings (B, 128) and identities (B,)."""
        rows = unit_rows(outputs[EMBEDDING].float().cpu().numpy())
        self._parts.append((rows, targets.cpu().numpy().astype(np.int64)))

    def state(self) -> Gathered:
        """What was gathered."""
        return self._parts

    def merge(self, states: Sequence[Any]) -> None:
        """What several gathered."""
        self._parts = [part for state in states for part in state]

    def result(self) -> dict[str, float]:
        """The share recognized by one picture, and how much farther the nearest own is than the nearest other."""
        rows = np.concatenate([rows for rows, _ in self._parts])
        ids = np.concatenate([ids for _, ids in self._parts])
        if len(np.unique(ids)) < 2:
            return {"loss": 0.0, "rank1": 1.0}
        _, near = nearest_other(rows)
        same = ids[:, None] == ids[None]
        own = np.where(same, near, -1).max(axis=1)
        other = np.where(same, -1, near).max(axis=1)
        return {"loss": float((other - own).mean()), "rank1": recognized(rows, ids)[0]}
