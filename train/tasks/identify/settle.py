"""How near strangers come to somebody, by identities that were not learned from: what a gallery's limit is made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.metrics.identification import accepts_of

from ...task import Settled

__all__ = ["settle_identities"]


def settle_identities(rows: NDArray[np.float32], ids: NDArray[np.int64]) -> Settled:
    """The limits by embeddings (N, 128) of length 1."""
    if len(np.unique(ids)) < 3:
        return Settled(Decode("identify"), "too few identities validate to say how near strangers come")
    accepts = accepts_of(rows, ids)
    said = ""
    if accepts:
        rate, cosine = min(accepts, key=lambda pair: abs(pair[0] - 0.01))
        said = f"{rate:.1%} of strangers come nearer than {cosine:.3f} to one name"
    return Settled(Decode("identify", options={"accepts": [list(pair) for pair in accepts]}), said)
