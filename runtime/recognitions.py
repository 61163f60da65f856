"""What was seen in a frame: the one type that decoders make and sinks take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNKNOWN", "UNKNOWN_ID", "Recognitions"]

UNKNOWN_ID = -1
UNKNOWN = "unknown"

_ROW_COLUMNS = ("scores", "boxes", "masks", "keypoints", "texts", "track_ids", "embeddings", "parents")


@dataclass(frozen=True)
class Recognitions:
    """Label ids and scores, best first, with optional columns an instance and optional maps a frame.

    A classifier gives its top k classes; when the best of them lies under the threshold, a first row with the id
    `UNKNOWN_ID` and the best class's score stands before them. A detector gives one row a box.
    """

    labels: tuple[str, ...]  # the vocabulary that ids index
    ids: NDArray[np.int32]  # (N,)
    scores: NDArray[np.float32]  # (N,)
    boxes: NDArray[np.float32] | None = None  # (N, 4) x, y, w, h in pixels of the frame
    masks: NDArray[np.uint8] | None = None  # (N, h, w)
    keypoints: NDArray[np.float32] | None = None  # (N, K, 3) x, y, score
    texts: tuple[str, ...] | None = None
    track_ids: NDArray[np.int32] | None = None  # (N,)
    embeddings: NDArray[np.float32] | None = None  # (N, D)
    parents: NDArray[np.int32] | None = None  # (N,) the row this one was found inside, -1 for none
    maps: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # e.g. "probabilities": (C,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", np.asarray(self.ids, np.int32).reshape(-1))
        object.__setattr__(self, "scores", np.asarray(self.scores, np.float32).reshape(-1))
        for name in _ROW_COLUMNS:
            column = getattr(self, name)
            if column is not None and len(column) != len(self.ids):
                raise ValueError(f"column {name} has {len(column)} rows, ids has {len(self.ids)}")
        if self.boxes is not None:
            object.__setattr__(self, "boxes", np.asarray(self.boxes, np.float32).reshape(-1, 4))

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Pairs of label and score, best first."""
        return iter([(self.label(row), float(self.scores[row])) for row in range(len(self))])

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

    def select(self, rows: NDArray[Any]) -> Recognitions:
        """The given rows (indices or a boolean mask), with all their columns."""
        picked = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, np.intp)
        columns: dict[str, Any] = {"ids": self.ids[picked]}
        for column in fields(self):
            value = getattr(self, column.name)
            if column.name in _ROW_COLUMNS and value is not None:
                columns[column.name] = tuple(value[i] for i in picked) if column.name == "texts" else value[picked]
        return replace(self, **columns)

    @staticmethod
    def nothing(labels: tuple[str, ...] = ()) -> Recognitions:
        """No rows, in a given vocabulary."""
        return Recognitions(labels, np.empty(0, np.int32), np.empty(0, np.float32))
