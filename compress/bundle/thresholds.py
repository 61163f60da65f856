"""The threshold for "unknown", found again for the model that ships: quantizing moves scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.decode.classify import softmax

__all__ = ["matching_threshold"]


def matching_threshold(
    float_logits: NDArray[np.float32],
    float_temperature: float,
    float_threshold: float,
    logits: NDArray[np.float32],
    temperature: float,
) -> float:
    """The threshold at which the shipped model rejects as many of the same images as the float one did."""
    if float_threshold <= 0:
        return 0.0
    before = softmax(float_logits, float_temperature).max(axis=1)
    after = softmax(logits, temperature).max(axis=1)
    rejected = float((before < float_threshold).mean())
    if rejected == 0:  # no image says where it lies: keep the same distance from certainty
        return float(np.clip(float_threshold, 0, min(1.0, float(after.min()))))
    if rejected == 1:
        return float(np.clip(float_threshold, min(1.0, float(np.nextafter(after.max(), 2))), 1.0))
    return float(np.clip(np.quantile(after, rejected), 0, 1))
