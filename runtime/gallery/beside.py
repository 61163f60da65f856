"""Taught classes beside trained ones: one ridge regression over learned pictures and what was shown.

The network's own head stays what it was; this says only whether a picture is rather a taught thing than a learned one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Beside", "beside"]

_RIDGE = 0.03  # of what is on the diagonal, measured on hand signs and groceries
_MOST_LEARNED = 600  # pictures that stand for all that was learned: a Pi solves that in a second


@dataclass(frozen=True)
class Beside:
    """Weights that score each taught name and "learned", and the lead that a name needs."""

    weights: NDArray[np.float32]  # (D, names + 1)
    offset: NDArray[np.float32]  # (names + 1,)
    lead: float

    def leads(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, names) by how much each is likelier than something learned; above 0 it is that name's picture."""
        scores = rows @ self.weights + self.offset
        return np.asarray(scores[:, :-1] - scores[:, -1:] - self.lead, np.float32)


def beside(
    learned: NDArray[np.float32], taught: NDArray[np.float32], names: NDArray[np.intp], count: int, false_accepts: float
) -> Beside:
    """The head for learned rows (M, D) and taught ones (N, D) with their names' numbers.

    The lead is so large that of the learned pictures, each answered without itself, so many are taken for a name.
    """
    if len(learned) > _MOST_LEARNED:
        learned = learned[np.linspace(0, len(learned) - 1, _MOST_LEARNED).astype(np.intp)]
    rows = np.concatenate([learned, taught]).astype(np.float64)
    targets = np.zeros((len(rows), count + 1))
    targets[: len(learned), -1] = 1
    targets[np.arange(len(learned), len(rows)), names] = 1
    shares = targets.sum(axis=0)
    kernel = rows @ rows.T + 0.1  # the last part is the offset's
    ridge = _RIDGE * shares[targets.argmax(axis=1)] / (count + 1) * _usual(kernel)
    inverse = np.linalg.inv(kernel + np.diag(ridge))
    dual = inverse @ targets
    without = targets - dual / np.diag(inverse)[:, None]  # each row's answer when it was left out
    taken = (without[: len(learned), :-1].max(axis=1) - without[: len(learned), -1]).astype(np.float32)
    lead = float(np.quantile(taken, 1 - false_accepts))
    return Beside((rows.T @ dual).astype(np.float32), (0.1 * dual.sum(axis=0)).astype(np.float32), max(lead, 0.0))


def _usual(kernel: NDArray[np.float64]) -> float:
    return float(np.diag(kernel).mean())
