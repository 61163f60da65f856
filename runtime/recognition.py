"""One thing that was seen: a pair of label and score that also knows where it is, and what else is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Recognition", "Row"]

_PLAIN = {
    "track_ids": "track", "values": "value", "texts": "text", "identities": "name", "similarities": "similarity",
}  # fmt: skip
_LEFT_OUT = ("scores", "rivals", "rival_scores", "boxes", "masks", "parents", "embeddings", *_PLAIN)


@dataclass(frozen=True)
class Row:
    """What a row of recognitions holds besides its label and score."""

    id: int  # the label's number, -1 for unknown
    box: tuple[float, float, float, float] | None = None  # x, y, w, h in pixels of the frame
    rivals: Sequence[tuple[str, float]] = ()  # what else it could have been, best first
    parent: int | None = None  # the row it was found inside
    columns: Mapping[str, Any] = field(default_factory=dict)  # its values in all columns that are there, by their names


class Recognition(tuple[str, float]):  # noqa: SLOT001 (a tuple cannot have slots)
    """`label, score = recognition`, and by name: `label`, `score`, `id`, `box`, `xyxy`, `rivals`, `columns`, …"""

    row: Row

    def __new__(cls, label: str, score: float, row: Row) -> Recognition:
        """A pair with a row behind it."""
        pair = super().__new__(cls, (label, score))
        pair.row = row
        return pair

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
        return self.row.id

    @property
    def name(self) -> str:
        """Who or which it is, of what was shown to the device; else its label."""
        return str(self.columns.get("identities") or self.label)

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """x, y, w, h in pixels of the frame."""
        return self.row.box

    @property
    def xyxy(self) -> tuple[float, float, float, float] | None:
        """x1, y1, x2, y2 in pixels of the frame."""
        if self.box is None:
            return None
        x, y, w, h = self.box
        return x, y, x + w, y + h

    @property
    def rivals(self) -> Sequence[tuple[str, float]]:
        """What else it could have been, best first: pairs of label and score."""
        return self.row.rivals

    @property
    def columns(self) -> Mapping[str, Any]:
        """Everything else that is known of it: `texts`, `keypoints`, `track_ids`, … by the columns' names."""
        return self.row.columns

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: label, id and score, and every column that is there and fits into a line."""
        found: dict[str, Any] = {"label": self.label, "id": self.id, "score": round(self.score, 6)}
        if self.box is not None:
            found["box"] = [round(value, 2) for value in self.box]
        if self.rivals:
            found["rivals"] = [{"label": label, "score": round(score, 6)} for label, score in self.rivals]
        for name, value in self.columns.items():
            if (name in _PLAIN or name not in _LEFT_OUT) and _is_there(value):
                found[_PLAIN.get(name, name)] = _plain(value)
        if self.row.parent is not None:
            found["parent"] = self.row.parent
        return found

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
        return np.round(np.nan_to_num(array.astype(np.float64)), 3).tolist()
    return array.tolist() if array.dtype.kind in "iub" else value
