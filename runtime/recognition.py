"""One thing that was seen: a pair of label and score that also knows where it is, and what else is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Recognition", "own_part"]

_PLAIN = {
    "track_ids": "track", "values": "value", "texts": "text", "identities": "name", "similarities": "similarity",
}  # fmt: skip
_OF_ROW = ("scores", "rivals", "rival_scores", "boxes", "parents")  # what a row says by itself
_FAR = float(np.finfo(np.float32).max)  # what stands for infinity, which JSON does not know
_LEFT_OUT = ("masks", "embeddings")  # what fits into no line


class Rows(Protocol):
    """What a row asks of the recognitions that it is one of."""

    @property
    def ids(self) -> NDArray[np.int32]:
        """(N,) the labels' numbers."""

    @property
    def parents(self) -> NDArray[np.int32] | None:
        """(N,) the rows that each was found inside."""

    @property
    def places(self) -> NDArray[np.float32]:
        """(N, 4) x, y, w, h."""

    def has_place(self, row: int) -> bool:
        """Whether it is known where a row is."""

    def rivals_of(self, row: int = 0) -> list[tuple[str, float]]:
        """What else a row could have been."""

    def columns(self) -> Iterator[tuple[str, Any]]:
        """Name and values of every column that is there."""


class Recognition(tuple[str, float]):  # noqa: SLOT001 (a tuple cannot have slots)
    """`label, score = recognition`, and by name: `label`, `score`, `id`, `box`, `xyxy`, `rivals`, `columns`, …"""

    _rows: Rows
    _number: int

    def __new__(cls, label: str, score: float, rows: Rows, number: int) -> Recognition:
        """A pair that stands for one of many rows, in which the rest is looked up."""
        pair = super().__new__(cls, (label, score))
        pair._rows, pair._number = rows, number
        return pair

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied, and carried to another process, with all that is known of it."""
        return type(self), (*self, self._rows, self._number)

    @property
    def label(self) -> str:
        """What it is."""
        return self[0]

    @property
    def score(self) -> float:
        """How sure that is, 0 to 1."""
        return self[1]

    @property
    def id(self) -> int:
        """The label's number, -1 for unknown."""
        return int(self._rows.ids[self._number])

    @property
    def name(self) -> str:
        """Who or which it is, of what was shown to the device; what it says; else its label."""
        columns = self.columns
        read = "" if self.id < 0 else columns.get("texts")  # what is only perhaps written names nothing
        return str(columns.get("identities") or read or self.label)

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """x, y, w, h in pixels of the frame."""
        if not self._rows.has_place(self._number):
            return None
        x, y, w, h = map(float, self._rows.places[self._number])
        return x, y, w, h

    @property
    def xyxy(self) -> tuple[float, float, float, float] | None:
        """x1, y1, x2, y2 in pixels of the frame."""
        if self.box is None:
            return None
        x, y, w, h = self.box
        return x, y, x + w, y + h

    @property
    def rivals(self) -> list[tuple[str, float]]:
        """What else it could have been, best first: pairs of label and score."""
        return self._rows.rivals_of(self._number)

    @property
    def outlines(self) -> list[NDArray[np.float32]]:
        """Around its mask, the largest part's first: each (N, 2) x, y in pixels of the frame; none without a mask."""
        mask = self.columns.get("masks")
        if mask is None or self.box is None or not mask.size:
            return []
        from .images.masks import outlines  # most networks draw none

        return outlines(mask, self.box)

    @property
    def parent(self) -> int | None:
        """The row it was found inside."""
        parents = self._rows.parents
        return None if parents is None or parents[self._number] < 0 else int(parents[self._number])

    @property
    def columns(self) -> dict[str, Any]:
        """Everything else that is known of it: `texts`, `keypoints`, `track_ids`, … by the columns' names."""
        return {name: values[self._number] for name, values in self._rows.columns() if name not in _OF_ROW}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: label, id and score, and every column that is there and fits into a line."""
        said: dict[str, Any] = {"label": self.label, "id": self.id, "score": round(self.score, 6)}
        if box := self.box:
            said["box"] = [round(value, 2) for value in box]
        if rivals := self.rivals:
            said["rivals"] = [{"label": label, "score": round(score, 6)} for label, score in rivals]
        for name, value in self.columns.items():
            if name not in _LEFT_OUT and _is_there(value):
                said[_PLAIN.get(name, name)] = _plain(value)
        if outlines := self.outlines:
            said["mask"] = [np.round(outline.astype(np.float64), 1).tolist() for outline in outlines]
        if (parent := self.parent) is not None:
            said["parent"] = parent
        return said

    def __repr__(self) -> str:
        place = "" if self.box is None else f" at {', '.join(f'{value:.0f}' for value in self.box)}"
        return f"<{self.label} {self.score:.2f}{place}>"


def _is_there(value: Any) -> bool:
    """Whether a row has a value of its own in a column that other rows brought along."""
    array = np.asarray(value)
    if array.dtype.kind == "f":
        return not bool(np.isnan(array).all())
    return value != "" if isinstance(value, str) else array.ndim > 0 or array.dtype.kind != "i" or int(array) != -1


def _plain(value: Any) -> Any:
    """A column's value in one row as JSON: numbers with three digits behind the point, arrays as lists."""
    array = np.asarray(value)
    if array.dtype.kind == "f":
        array = own_part(array) if array.ndim else array
        return np.round(np.nan_to_num(array.astype(np.float64), posinf=_FAR, neginf=-_FAR), 3).tolist()
    return array.tolist() if array.dtype.kind in "iub" else value


def own_part(values: NDArray[Any]) -> NDArray[Any]:
    """A row's values (K, …) in a column of numbers without what stands behind them because other rows have more."""
    there = np.flatnonzero(~np.isnan(values).all(axis=tuple(range(1, values.ndim))))
    return values[: there[-1] + 1 if len(there) else 0]
