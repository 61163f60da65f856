"""A model's labels and a data set's classes brought together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

__all__ = ["LabelMatch", "match_labels"]


@dataclass(frozen=True)
class LabelMatch:
    """Which of a model's columns answers each class of a data set; -1 for a class that the model does not know."""

    columns: NDArray[np.intp]  # (classes,)
    how: str  # "name" or "index"

    @property
    def unknown(self) -> NDArray[np.intp]:
        """The data set's classes that the model has no column for."""
        return np.flatnonzero(self.columns < 0)

    def said(self, classes: Sequence[str], counts: NDArray[np.intp], things: str) -> list[str]:
        """What people should know of how the labels were matched; `counts` says how many `things` each class has."""
        lines = []
        if missing := ", ".join(classes[c] for c in self.unknown if counts[c]):
            lines.append(f"the model has no label for: {missing}; their {things}")
        if self.how == "index" and not all(name.isdecimal() for name in classes):
            lines.append("not every class of the data is among the model's labels: they were matched by their order")
        return lines


def match_labels(classes: Sequence[str], labels: Sequence[str], outputs: int) -> LabelMatch:
    """The model's column of every class: by name where all names are there, else by index where no name contradicts it.

    A model without labels has its class numbers for names. Where neither fits, the names that are there count, and a
    class without one is always wrong.
    """
    names = [label.strip() for label in labels] or [str(c) for c in range(outputs)]
    place = {name: c for c, name in reversed(list(enumerate(names[:outputs])))}
    cases = Counter(name.casefold() for name in place)
    any_case = {name.casefold(): c for name, c in place.items() if cases[name.casefold()] == 1}
    plain = [name.strip() for name in classes]
    by_name = np.array([place.get(name, any_case.get(name.casefold(), -1)) for name in plain], np.intp)
    if (by_name >= 0).all():
        return LabelMatch(by_name, "name")
    by_index = np.arange(len(classes))
    if len(classes) <= outputs and ((by_name < 0) | (by_name == by_index)).all():
        return LabelMatch(by_index.astype(np.intp), "index")
    if (by_name < 0).all():
        raise DataError(
            f"the data has {len(classes)} classes ({', '.join(classes[:3])}, …) and the model {outputs}"
            f" ({', '.join(names[:3])}, …): neither their names nor their numbers fit; name the model's with --labels"
        )
    return LabelMatch(by_name, "name")
