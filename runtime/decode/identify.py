"""Identification: an embedding a picture; who it is of is a gallery's to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..preprocess import Placement
from ..recognitions import UNKNOWN_ID, Recognitions
from .protocol import DecodeOptions, Decoder, number, option

__all__ = ["EMBEDDING", "IdentifyOptions", "identify"]

EMBEDDING = "embedding"  # the network's output
_MOST = 32


def _accepts(value: Any) -> tuple[tuple[float, float], ...]:
    """Pairs of a share of strangers and the similarity that so many of them reach, from many to few."""
    pairs = tuple((float(rate), float(cosine)) for rate, cosine in value)
    if len(pairs) > _MOST or not all(0 < rate < 1 and -1 <= cosine <= 1 for rate, cosine in pairs):
        raise ValueError
    if list(pairs) != sorted(pairs, key=lambda pair: -pair[0]):
        raise ValueError
    return pairs


@dataclass(frozen=True)
class IdentifyOptions(DecodeOptions):
    """What is known of strangers, how near they come to somebody, and how many of them may be taken for him."""

    accepts: tuple[tuple[float, float], ...] = option((), _accepts)
    false_accepts: float | None = option(None, number(1e-6, 0.5))


def identify(network: Network, options: IdentifyOptions) -> Decoder:  # noqa: ARG001
    """One row a picture, of nobody yet, with its embedding at length 1: 8 bits end before lengths are taken."""

    def decode(
        outputs: Mapping[str, NDArray[Any]],
        placement: Placement,  # noqa: ARG001
        threshold: float | None = None,  # noqa: ARG001
    ) -> Recognitions:
        row = np.asarray(outputs[EMBEDDING], np.float32).reshape(1, -1)
        length = float(np.linalg.norm(row))
        return Recognitions(
            network.labels,
            np.array([UNKNOWN_ID], np.int32),
            np.zeros(1, np.float32),
            embeddings=row / max(length, 1e-9),
            task=network.task,
        )

    return decode
