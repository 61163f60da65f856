"""Taught classes beside trained ones: one ridge regression over learned pictures and what was shown.

The network's own head stays what it was; this says only whether a picture is rather a taught thing than a learned one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Beside", "beside", "by_columns", "by_rows"]

_RIDGE = 0.03  # of what is on the diagonal, measured on hand signs and groceries
_MOST_LEARNED = 600  # pictures that stand for all that was learned: a Pi solves that in a second
_OFFSET = 0.1  # what every two rows have in common
_BLOCK = 2048  # rows at once in double precision

Solved = tuple[NDArray[np.float64], NDArray[np.float64]]  # weights (D + 1, names); first rows' answers left out of it


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
    rows = np.concatenate([learned, taught])
    owner = np.concatenate([np.full(len(learned), count), names])  # "learned" is the last name
    shares = np.bincount(owner, minlength=count + 1)
    usual = float(np.einsum("nd,nd->n", rows, rows, dtype=np.float64).mean()) + _OFFSET
    ridge = _RIDGE * shares[owner] / (count + 1) * usual
    solved = by_rows if len(rows) <= rows.shape[1] else by_columns
    weights, without = solved(rows, owner, ridge, count + 1, len(learned))
    taken = (without[:, :-1].max(axis=1) - without[:, -1]).astype(np.float32)
    lead = float(np.quantile(taken, 1 - false_accepts))
    offset = np.sqrt(_OFFSET) * weights[-1]
    return Beside(weights[:-1].astype(np.float32), offset.astype(np.float32), max(lead, 0.0))


def by_rows(
    rows: NDArray[np.float32], owner: NDArray[np.intp], ridge: NDArray[np.float64], names: int, answered: int
) -> Solved:
    """The regression as a system of as many equations as there are rows."""
    placed, targets = _placed(rows), _targets(owner, names)
    inverse = np.linalg.inv(placed @ placed.T + np.diag(ridge))
    dual = inverse @ targets
    return placed.T @ dual, (targets - dual / np.diag(inverse)[:, None])[:answered]


def by_columns(
    rows: NDArray[np.float32], owner: NDArray[np.intp], ridge: NDArray[np.float64], names: int, answered: int
) -> Solved:
    """The same regression as a system of as many equations as a row has numbers: of many rows the smaller one."""
    width = rows.shape[1] + 1
    system, wanted = np.eye(width), np.zeros((names, width))
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        placed = _placed(rows[block])
        weighted = placed / ridge[block, None]
        system += placed.T @ weighted
        np.add.at(wanted, owner[block], weighted)
    inverse = np.asarray(np.linalg.inv(system), np.float64)
    weights = inverse @ wanted.T
    placed, targets = _placed(rows[:answered]), _targets(owner[:answered], names)
    own = np.einsum("nd,nd->n", placed @ inverse, placed) / ridge[:answered]  # of an answer, what its row itself says
    return weights, targets - (targets - placed @ weights) / (1 - own)[:, None]


def _targets(owner: NDArray[np.intp], names: int) -> NDArray[np.float64]:
    """(N, names): 1 where a row is the name's."""
    targets = np.zeros((len(owner), names))
    targets[np.arange(len(owner)), owner] = 1
    return targets


def _placed(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows with the number behind them that stands for the offset."""
    return np.concatenate([rows, np.full((len(rows), 1), np.sqrt(_OFFSET))], axis=1)
