"""A classifier's logits or probabilities as ranked labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..manifest import Network
from ..preprocess import Placement
from ..recognitions import UNKNOWN_ID, Recognitions

__all__ = ["classify", "softmax"]


def softmax(logits: NDArray[Any], temperature: float = 1.0) -> NDArray[np.float32]:
    """Probabilities along the last axis; computed in float64, since temperatures can make logits large."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def classify(outputs: Mapping[str, NDArray[Any]], network: Network, placement: Placement) -> Recognitions:  # noqa: ARG001
    """The top k classes; with an `unknown` row before them when the best lies under the threshold."""
    settings = network.decode
    values = np.asarray(next(iter(outputs.values())), np.float32).reshape(-1)
    probabilities = values if settings.probabilities else softmax(values, settings.temperature)
    order = np.argsort(-probabilities, kind="stable")[: settings.top_k]
    ids, scores = order.astype(np.int32), probabilities[order]
    if len(scores) and scores[0] < settings.threshold:
        ids, scores = np.r_[np.int32(UNKNOWN_ID), ids], np.r_[scores[0], scores]
    return Recognitions(network.labels, ids, scores, maps={"probabilities": probabilities})
