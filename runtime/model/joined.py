"""Rows of several pictures or steps as one set, their columns side by side; what a row lacks is NaN, -1 or empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..images.masks import stretched
from ..recognitions import UNKNOWN_ID, Recognitions

__all__ = ["joined", "moved_labels"]

_OWN = frozenset(field.name for field in fields(Recognitions))


def joined(parts: Sequence[Recognitions], labels: tuple[str, ...], task: str) -> Recognitions:
    """The rows of all parts, whose ids speak of the given labels; maps of a frame are left out."""
    if not parts:
        return Recognitions.nothing(labels, task)
    if masks := [part.masks for part in parts if part.masks is not None]:
        sides = np.max([mask.shape[1:] for mask in masks], axis=0).tolist()
        parts = [part if part.masks is None else replace(part, masks=stretched(part.masks, *sides)) for part in parts]
    names = dict.fromkeys(name for part in parts for name, _ in part.columns())
    columns = {name: _column([(dict(part.columns()).get(name), len(part)) for part in parts]) for name in names}
    extra = {name: values for name, values in columns.items() if name not in _OWN}
    own = {name: values for name, values in columns.items() if name in _OWN}
    return Recognitions(labels, np.concatenate([part.ids for part in parts]), task=task, extra=extra, **own)


def moved_labels(seen: Recognitions, by: int) -> Recognitions:
    """The same rows with ids that begin `by` labels later, for a vocabulary in which others come first."""
    columns: dict[str, Any] = {"ids": np.where(seen.ids == UNKNOWN_ID, UNKNOWN_ID, seen.ids + by)}
    if seen.rivals is not None:
        columns["rivals"] = np.where(seen.rivals == UNKNOWN_ID, UNKNOWN_ID, seen.rivals + by).astype(np.int32)
    return replace(seen, **columns)


def _column(parts: Sequence[tuple[Any, int]]) -> Any:
    """One column of all parts, given its values (or None) and the number of rows in each."""
    there = [values for values, _ in parts if values is not None]
    if isinstance(there[0], tuple):
        return tuple(text for values, count in parts for text in (values if values is not None else ("",) * count))
    shape = tuple(np.max([values.shape[1:] for values in there], axis=0).astype(int)) if there[0].ndim > 1 else ()
    empty = np.nan if there[0].dtype.kind == "f" else 0 if there[0].dtype.kind in "ub" else UNKNOWN_ID
    return np.concatenate([_padded(values, count, shape, empty, there[0].dtype) for values, count in parts])


def _padded(
    values: NDArray[Any] | None, count: int, shape: tuple[int, ...], empty: float, dtype: np.dtype[Any]
) -> NDArray[Any]:
    out = np.full((count, *shape), empty, dtype)
    if values is not None:
        out[tuple(slice(side) for side in values.shape)] = values
    return out
