"""Temperature and the threshold for "unknown", fitted again on the model that ships: quantizing moves both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.decode.classify import softmax

__all__ = ["fit_temperature", "matching_threshold"]


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """The temperature with the smallest cross-entropy, .05 to 20."""

    def loss(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / np.exp(log_temperature)
        top = scaled.max(axis=1)
        total = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float((total - scaled[np.arange(len(labels)), labels]).mean())

    low, high = np.log(0.05), np.log(20.0)
    golden = (np.sqrt(5) - 1) / 2
    a, b = high - golden * (high - low), low + golden * (high - low)
    for _ in range(60):
        if loss(a) < loss(b):
            high, a, b = b, b - golden * (b - low), a
        else:
            low, a, b = a, b, a + golden * (high - a)
    return float(np.exp((low + high) / 2))


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
    return float(np.clip(np.quantile(after, rejected), 0, 1))
