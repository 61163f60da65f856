"""Steadier answers over time: each source's state of its task, and labels announced once they have been agreed on."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from ..bundle.manifest import Manifest
from ..recognitions import LOOKS, Recognitions
from ..tasks.catalog import task_of
from ..tasks.task import Steady

if TYPE_CHECKING:
    from .appearances import Appearances

__all__ = ["Announcer", "Smoother", "backgrounds"]


class Smoother:
    """Steadies one source's answers as their task does; rows that were found inside others stay as they are."""

    def __init__(self) -> None:
        self._manifest: Manifest | None = None
        self._steady: Steady | None = None

    def smooth(
        self, seen: Recognitions, weight: float, manifest: Manifest, threshold: float | None = None
    ) -> Recognitions:
        """The frame's answer with the newest frame weighing `weight`; a threshold here is in place of the model's."""
        if len(manifest.steps) > 1:  # crops are strangers to those of the frame before until they are tracked
            return seen
        if self._steady is None or self._manifest is not manifest:  # another model's scores are not these
            self._manifest, self._steady = manifest, task_of(manifest.main.task).steady()
        return self._steady(seen, weight, manifest.main.decode.at(threshold))


class Announcer:
    """Says a label once an appearance: when N of the last M frames agree, and again only after it has been gone.

    Of what is followed and looked at several times, N looks are to agree, and each thing is said once.
    """

    def __init__(self) -> None:
        self._frames: deque[frozenset[str]] = deque()
        self._agreed: dict[str, None] = {}  # what frames have agreed on and that is not gone
        self._due: deque[str] = deque()
        self._followed: Appearances | None = None
        self._window = 0  # frames
        self.standing: tuple[str, ...] = ()  # the labels that have been announced and are not gone, the newest last

    def hear(
        self, seen: Recognitions, agree: tuple[int, int], background: Collection[str] = (), *, moment_s: float = 0.0
    ) -> str | None:
        """The label to announce with this frame, if there is one; `background` labels mean "nothing there"."""
        needed, window = agree
        self._window = window
        if LOOKS in seen.extra and self._followed is None:
            from .appearances import Appearances  # few sources follow what a later step looks at

            self._followed = Appearances()
        looked_at: list[str] = []  # what is announced of followed things that are there
        if self._followed is not None:
            self._due.extend(self._followed.hear(seen, agree, background, moment_s))
            looked_at = self._followed.standing(window)
        self._frames.append(_present(seen, background))
        while len(self._frames) > window:
            self._frames.popleft()
        counts = Counter(label for frame in self._frames for label in frame)
        self._agreed = {label: None for label in self._agreed if label in counts}
        for label in sorted(counts.keys() - self._agreed.keys()):
            if counts[label] >= min(needed, window):
                self._agreed[label] = None
                self._due.append(label)
        there = dict.fromkeys((*self._agreed, *looked_at))  # by the rows of the frame, whose order is chance
        stayed = (label for label in self.standing if label in there)
        self.standing = tuple(dict.fromkeys((*stayed, *there)))
        return self._due.popleft() if self._due else None

    def end(self) -> str | None:
        """Nothing more will be seen: what waits to be announced first, or of what is followed, as if it had left."""
        if self._followed is not None:
            self._due.extend(self._followed.end(self._window))
        return self._due.popleft() if self._due else None


def backgrounds(manifest: Manifest) -> frozenset[str]:
    """The labels of all networks that mean "nothing there"."""
    return frozenset(label for network in manifest.networks.values() for label in network.decode.background)


def _present(seen: Recognitions, background: Collection[str]) -> frozenset[str]:
    """What is there, in the words of the step that looked closest: not of rows others were found in."""
    looked_into = set() if seen.parents is None else set(seen.parents.tolist())
    if LOOKS in seen.extra:  # what was voted for is announced by its thing
        looked_into |= set(np.flatnonzero(seen.extra[LOOKS] >= 0).tolist())
    called = (seen.announced_as(row) for row in range(len(seen)) if row not in looked_into)
    return frozenset(name for name in called if name is not None and name not in background)
