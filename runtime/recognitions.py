"""What was seen in a frame: the one type that decoders make and sinks take."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from .recognition import Recognition

__all__ = ["AGREED", "CORNERS", "LOOKS", "UNKNOWN", "UNKNOWN_ID", "Recognitions"]

UNKNOWN_ID = -1
UNKNOWN = "unknown"
LOOKS = "looks"  # the column of how many looks an answer was voted from, 0 while its thing has no number yet
AGREED = "agreed"  # the column of how many of these said the same by themselves
CORNERS = "corners"  # the column of a rotated box's four corners (N, 4, 2) x, y in pixels of the frame

_ROW_COLUMNS = (
    "scores", "rivals", "rival_scores", "boxes", "masks", "keypoints", "texts", "track_ids", "identities",
    "similarities", "values", "embeddings", "parents",
)  # fmt: skip
_TEXTS = ("texts", "identities")
_SHOWN = 5  # rows that a short text names


@dataclass(frozen=True, repr=False, eq=False)  # arrays have no one answer to ==
class Recognitions:
    """Rows, best first: each is one thing that is there; with optional columns a row and optional maps a frame.

    A classifier gives one row, its next best classes are the columns `rivals` and `rival_scores`; where its best class
    scores under the threshold, the row's id is `UNKNOWN_ID` and that class is the first rival. A detector gives one row
    a box. Rows of a later step name the row they were found inside in `parents`.
    """

    labels: tuple[str, ...]  # the vocabulary that ids index
    ids: NDArray[np.int32]  # (N,)
    scores: NDArray[np.float32]  # (N,)
    rivals: NDArray[np.int32] | None = None  # (N, k) ids of the next best, -1 where there are fewer
    rival_scores: NDArray[np.float32] | None = None  # (N, k)
    boxes: NDArray[np.float32] | None = None  # (N, 4) x, y, w, h in pixels of the frame
    masks: NDArray[np.uint8] | None = None  # (N, h, w) each stretched over its row's box, from 128 on it is there
    keypoints: NDArray[np.float32] | None = None  # (N, K, 3) x, y, score
    texts: tuple[str, ...] | None = None
    track_ids: NDArray[np.int32] | None = None  # (N,)
    identities: tuple[str, ...] | None = None  # who or which it is, of what was shown to the device
    similarities: NDArray[np.float32] | None = None  # (N,)
    values: NDArray[np.float32] | None = None  # (N,) a measured quantity
    embeddings: NDArray[np.float32] | None = None  # (N, D)
    parents: NDArray[np.int32] | None = None  # (N,) the row this one was found inside, -1 for none
    extra: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # a task's own columns, a row each
    maps: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # e.g. "probabilities": (C,)
    task: str = ""  # the task of the network that made them; of several steps the first one's

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", np.asarray(self.ids, np.int32).reshape(-1))
        object.__setattr__(self, "scores", np.asarray(self.scores, np.float32).reshape(-1))
        for name, column in list(self.columns()):
            if len(column) != len(self.ids):
                raise ValueError(f"column {name} has {len(column)} rows, ids has {len(self.ids)}")
            if name == "boxes":
                object.__setattr__(self, name, np.asarray(column, np.float32).reshape(-1, 4))

    def columns(self) -> Iterator[tuple[str, Any]]:
        """Name and values of every column that is there, those of `extra` behind the others."""
        for name in _ROW_COLUMNS:
            column = getattr(self, name)
            if column is not None:
                yield name, column
        yield from self.extra.items()

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Recognition]:
        """Rows as pairs of label and score that know the rest as well, best first."""
        return iter([self._row(row) for row in range(len(self))])

    @overload
    def __getitem__(self, row: int) -> Recognition: ...

    @overload
    def __getitem__(self, row: slice | Sequence[int] | NDArray[Any]) -> Recognitions: ...

    def __getitem__(self, row: int | slice | Sequence[int] | NDArray[Any]) -> Recognition | Recognitions:
        """One row, or those of a slice, of a list of rows or of a boolean mask."""
        if isinstance(row, slice):
            return self.select(np.arange(len(self))[row])
        if isinstance(row, Sequence | np.ndarray):
            return self.select(np.asarray(row))
        return self._row(range(len(self))[operator.index(row)])  # an IndexError where there is none

    def label(self, row: int = 0) -> str:
        """The name of a row's label; a model without names gives its class numbers."""
        return self.name_of(int(self.ids[row]))

    def name_of(self, label_id: int) -> str:
        """The name of a label id."""
        if label_id == UNKNOWN_ID:
            return UNKNOWN
        return (self.labels[label_id] if label_id < len(self.labels) else "") or str(label_id)

    @property
    def top(self) -> tuple[str, float] | None:
        """The best row as label and score, or None when nothing was seen."""
        return (self.label(0), float(self.scores[0])) if len(self) else None

    @property
    def names(self) -> tuple[str, ...]:
        """What every row is called: who or which it is where that is known, what it says, else its label."""
        return tuple(row.name for row in self)

    @property
    def xyxy(self) -> NDArray[np.float32]:
        """(N, 4): every row's box x1, y1, x2, y2 in pixels of the frame, NaN for a row that has none."""
        corners = self.places.copy()
        corners[:, 2:] += corners[:, :2]
        return corners

    @property
    def places(self) -> NDArray[np.float32]:
        """(N, 4): every row's box x, y, w, h in pixels of the frame, NaN for a row that has none."""
        return np.full((len(self), 4), np.nan, np.float32) if self.boxes is None else self.boxes

    def has_place(self, row: int) -> bool:
        """Whether it is known where in the frame a row is."""
        return self.boxes is not None and not bool(np.isnan(self.boxes[row, 0]))

    def called(self, row: int) -> str | None:
        """What a row is called, whatever it says; None where nobody knows what it is."""
        name = self.identities[row] if self.identities else ""
        return name or (None if int(self.ids[row]) == UNKNOWN_ID else self.label(row))

    def announced_as(self, row: int) -> str | None:
        """What a row is announced by: its text where it has one, else what it is called; counts go by the latter."""
        known = int(self.ids[row]) != UNKNOWN_ID
        read = self.texts[row] if self.texts and known else ""  # what is only perhaps written announces nothing
        return read or self.called(row)

    def rivals_of(self, row: int = 0) -> list[tuple[str, float]]:
        """What else a row could have been, best first: pairs of label and score."""
        if self.rivals is None or self.rival_scores is None:
            return []
        pairs = zip(self.rivals[row].tolist(), self.rival_scores[row].tolist(), strict=True)
        return [(self.name_of(label_id), score) for label_id, score in pairs if label_id != UNKNOWN_ID]

    def children_of(self, row: int) -> list[int]:
        """The rows that a later step found inside a row."""
        return [] if self.parents is None else np.flatnonzero(self.parents == row).tolist()

    def select(self, rows: NDArray[Any]) -> Recognitions:
        """The given rows (indices, the last one's -1, or a boolean mask), with all their columns."""
        picked = np.arange(len(self))[rows if np.asarray(rows).dtype == bool else np.asarray(rows, np.intp)]
        columns: dict[str, Any] = {"ids": self.ids[picked]}
        columns["extra"] = {name: values[picked] for name, values in self.extra.items()}
        for name in _ROW_COLUMNS:
            value = getattr(self, name)
            if value is not None:
                columns[name] = tuple(value[i] for i in picked) if name in _TEXTS else value[picked]
        if self.parents is not None:
            place = np.full(len(self) + 1, -1, np.int32)  # the last one stands for "none"
            place[picked] = np.arange(len(picked))
            columns["parents"] = place[columns["parents"]]
        return replace(self, **columns)

    def to_dict(self) -> dict[str, Any]:
        """The rows as plain JSON types, each as results have it."""
        return {"task": self.task, "results": [row.to_dict() for row in self]}

    def __repr__(self) -> str:
        shown = ", ".join(f"{label} {score:.2f}" for label, score in list(self)[:_SHOWN])
        more = f", … {len(self) - _SHOWN} more" if len(self) > _SHOWN else ""
        return f"<Recognitions: {shown or 'nothing'}{more}>"

    def _row(self, row: int) -> Recognition:
        return Recognition(self.label(row), float(self.scores[row]), self, row)

    @staticmethod
    def nothing(labels: tuple[str, ...] = (), task: str = "") -> Recognitions:
        """No rows, in a given vocabulary."""
        return Recognitions(labels, np.empty(0, np.int32), np.empty(0, np.float32), task=task)
