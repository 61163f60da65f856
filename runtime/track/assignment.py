"""Who belongs to whom: the pairs of greatest total gain, exactly, by shortest augmenting paths (Jonker, Volgenant)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["assign"]

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


def assign(gain: NDArray[Any]) -> Pairs:
    """The rows and columns of `gain` (R, C) that belong together, each in one pair at most.

    No other choice of pairs gains more in total; a pair that gains nothing is none.
    """
    rows, columns = gain.shape
    if not rows or not columns:
        return _none()
    best = gain.argmax(axis=1)
    found = np.flatnonzero(gain[np.arange(rows), best] > 0)
    if len(np.unique(best[found])) == len(found):  # all have their first choice: nothing can be better
        return found, best[found]
    taken = _Matching(np.minimum(-gain, 0).astype(np.float64)).solved()
    matched = np.flatnonzero(taken >= 0)
    matched = matched[gain[matched, taken[matched]] > 0]
    return matched, taken[matched]


def _none() -> Pairs:
    return np.empty(0, np.intp), np.empty(0, np.intp)


class _Matching:
    """Rows and columns with their prices: no pair is ever cheaper than its row's and column's prices together.

    A row may stay without a column, which costs nothing.
    """

    def __init__(self, cost: NDArray[np.float64]) -> None:
        self.cost = cost  # (R, C), none above 0
        rows, columns = cost.shape
        self.row_price, self.column_price = cost.min(axis=1), np.zeros(columns)
        self.column_of, self.row_of = np.full(rows, -1, np.intp), np.full(columns, -1, np.intp)

    def solved(self) -> NDArray[np.intp]:
        """(R,) the column of every row, -1 for none."""
        waiting = []
        for row, column in enumerate(self.cost.argmin(axis=1).tolist()):
            if self.row_price[row] < 0 and self.row_of[column] < 0:
                self._pair(row, column)
            elif self.row_price[row] < 0:
                waiting.append(row)
        for row in waiting:
            self._augment(row)
        return self.column_of

    def _pair(self, row: int, column: int) -> None:
        self.column_of[row], self.row_of[column] = column, row

    def _augment(self, row: int) -> None:
        """Give a row a column along the cheapest chain of exchanges, at whose end one is free or a row goes without."""
        distance = self.cost[row] - self.row_price[row] - self.column_price
        before = np.full(len(distance), row, np.intp)  # the row from which each column is reached
        seen = np.zeros(len(distance), bool)
        ways: list[int] = []  # the columns in the order in which they were looked behind
        last, last_cost = row, -self.row_price[row]  # the row that goes without
        while True:
            column = int(np.where(seen, np.inf, distance).argmin())
            reached = np.inf if seen[column] else distance[column]
            if last_cost <= reached:
                self._settle(row, ways, distance, last_cost)
                self._exchange(row, last, before)
                return
            if self.row_of[column] < 0:
                self._settle(row, ways, distance, reached)
                owner = int(before[column])
                given_up = int(self.column_of[owner])
                self._pair(owner, column)
                if owner != row:
                    self._exchange_from(row, given_up, before)
                return
            seen[column] = True
            ways.append(column)
            other = int(self.row_of[column])
            further = reached + self.cost[other] - self.row_price[other] - self.column_price
            nearer = (further < distance) & ~seen
            distance[nearer], before[nearer] = further[nearer], other
            if reached - self.row_price[other] < last_cost:
                last, last_cost = other, reached - self.row_price[other]

    def _settle(self, row: int, ways: list[int], distance: NDArray[np.float64], end: float) -> None:
        """New prices, with which the chain costs nothing."""
        columns = np.array(ways, np.intp)
        spare = np.maximum(end - distance[columns], 0)
        self.column_price[columns] -= spare
        self.row_price[self.row_of[columns]] += spare
        self.row_price[row] += end

    def _exchange(self, row: int, last: int, before: NDArray[np.intp]) -> None:
        """The chain's end gives up its column."""
        if last == row:
            return
        column = int(self.column_of[last])
        self.column_of[last] = -1
        self._exchange_from(row, column, before)

    def _exchange_from(self, row: int, column: int, before: NDArray[np.intp]) -> None:
        """A column that was given up goes to the row it was reached from, and so on back to the first."""
        while True:
            owner = int(before[column])
            given_up = int(self.column_of[owner])
            self._pair(owner, column)
            if owner == row:
                return
            column = given_up
