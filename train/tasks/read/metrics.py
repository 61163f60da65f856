"""A reading network's figures: how much is exactly right, and what is taken for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgelens.runtime.metrics.text import alphanumeric, edits

from ...data.targets import Targets
from .data import texts_of

__all__ = ["CONFUSIONS", "summary"]

CONFUSIONS = 30  # of characters, the commonest


def summary(found: Sequence[str], targets: Targets, alphabet: str) -> dict[str, Any]:
    """Every metric as JSON."""
    wanted = texts_of(targets, alphabet)
    pairs = list(zip(wanted, found, strict=True))
    changes = [edits(a, b) for a, b in pairs]
    return {
        "images": len(pairs),
        "accuracy": float(np.mean([a == b for a, b in pairs])),
        "accuracy_alphanumeric": float(np.mean([alphanumeric(a) == alphanumeric(b) for a, b in pairs])),
        "character_error_rate": sum(map(len, changes)) / max(sum(map(len, wanted)), 1),
        "confusions": [
            {"truth": a, "read": b, "count": count}
            for (a, b), count in Counter(pair for each in changes for pair in each).most_common(CONFUSIONS)
        ],
    }
