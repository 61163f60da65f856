"""Only the classes of a source that somebody wants to see: the rest is neither shown, announced nor counted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..recognitions import UNKNOWN_ID, Recognitions

__all__ = ["only_classes"]


def only_classes(seen: Recognitions, classes: Collection[str] | None) -> Recognitions:
    """The things of these classes, or in which one of them was found; None is all.

    What has no place in the picture is still there when it is none of them: it is unknown then, and no rival either.
    """
    if classes is None:
        return seen
    there = seen.ids if seen.rivals is None else np.union1d(seen.ids, seen.rivals)
    ids = [i for i in there.tolist() if i != UNKNOWN_ID and seen.name_of(i) in classes]  # labels may be numbers
    wanted = np.isin(seen.ids, ids)
    kept, top = np.zeros(len(seen), bool), _tops(seen)
    for row in range(len(seen)):
        kept[top[row]] |= bool(wanted[row]) or not seen.has_place(int(top[row]))
    seen = seen.select(kept[top])
    nowhere = np.isnan(seen.places[:, 0]) & (_tops(seen) == np.arange(len(seen)))
    changed = replace(seen, ids=np.where(nowhere & ~np.isin(seen.ids, ids), np.int32(UNKNOWN_ID), seen.ids))
    if seen.rivals is None:
        return changed
    strange = nowhere[:, None] & ~np.isin(seen.rivals, ids)
    return replace(changed, rivals=np.where(strange, UNKNOWN_ID, seen.rivals).astype(np.int32))


def _tops(seen: Recognitions) -> NDArray[np.intp]:
    """For every row the one in the picture itself that it was found inside, or itself."""
    tops = np.arange(len(seen), dtype=np.intp)
    if seen.parents is not None:
        for row, parent in enumerate(seen.parents.tolist()):
            if parent >= 0:
                tops[row] = tops[parent]
    return tops
