"""A network's features caught on their way from the layers to the classifier."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

__all__ = ["feature_maps", "features_of", "has_maps"]


@contextlib.contextmanager
def features_of(network: nn.Module) -> Iterator[list[Tensor]]:
    """A list that fills with what `forward_features` returns, one or several; it stays empty where there is no such."""
    seen: list[Tensor] = []
    inner: Any = getattr(network, "forward_features", None)
    if inner is None:
        yield seen
        return

    def caught(x: Tensor) -> Any:
        features = inner(x)
        seen.extend(features.values() if isinstance(features, Mapping) else [features])
        return features

    network.forward_features = caught  # type: ignore[assignment]  # for this block only: the instance hides the class
    try:
        yield seen
    finally:
        del network.forward_features


def feature_maps(network: nn.Module, features: Tensor, images: Tensor) -> Tensor | None:
    """Features as maps (B, D, h, w), patches laid out as in the picture; None where they have no places."""
    if features.ndim == 4 and has_maps(network):
        return features
    patches = getattr(network, "patches", None)
    if features.ndim == 3 and isinstance(patches, nn.Conv2d):
        rows = images.shape[2] // patches.stride[0]
        return features.transpose(1, 2).reshape(len(features), features.shape[2], rows, -1)
    return None


def has_maps(network: nn.Module) -> bool:
    """Whether the features come from convolutions; else they are the picture itself, or a state a row."""
    convolves = any(isinstance(module, nn.Conv2d) for module in network.modules())
    return convolves and hasattr(network, "forward_features")
