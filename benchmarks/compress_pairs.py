"""Statistics of two models on the same images: the change in accuracy with its bounds, and McNemar's test."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def paired(before: NDArray[np.bool_], after: NDArray[np.bool_], draws: int = 4000, seed: int = 0) -> dict[str, float]:
    """Change in accuracy points with its 95 % bootstrap interval, and the exact McNemar probability."""
    change = after.astype(np.int8) - before.astype(np.int8)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(change), [float((change == v).mean()) for v in (-1, 0, 1)], size=draws)
    points = 100 * (counts[:, 2] - counts[:, 0]) / len(change)
    lost, won = int((change < 0).sum()), int((change > 0).sum())
    return {
        "images": len(change),
        "before": 100 * float(before.mean()),
        "after": 100 * float(after.mean()),
        "change": 100 * float(change.mean()),
        "low": float(np.quantile(points, 0.025)),
        "high": float(np.quantile(points, 0.975)),
        "lost": lost,
        "won": won,
        "mcnemar_p": mcnemar(lost, won),
    }


def mcnemar(lost: int, won: int) -> float:
    """The exact two-sided probability that so uneven a split of the changed images comes by chance."""
    n, k = lost + won, min(lost, won)
    if n == 0:
        return 1.0
    logs = [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) - n * math.log(2) for i in range(k + 1)]
    return min(1.0, 2 * sum(math.exp(value) for value in logs))
