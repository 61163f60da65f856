"""What a network was taught on this device, beside what it was trained for: opened once there is something."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import ModelFile, Network
from ..errors import UsageError
from ..gallery.match import FALSE_ACCEPTS
from ..gallery.places import gallery_path
from ..recognitions import UNKNOWN_ID, Recognitions
from ..tasks.catalog import task_of
from ..tasks.task import Teachable

if TYPE_CHECKING:  # a camera that was taught nothing loads none of it
    from ..decode.known import Known
    from ..gallery.gallery import Gallery
    from ..gallery.space import Space

__all__ = ["Taught", "taught_of"]

Learned = Callable[[], NDArray[np.float32]]  # rows (N, D) of pictures that the network was trained on
_LOOKS_EVERY_S = 1.0  # at whether there is a gallery by now


class Taught:
    """One network's gallery; nothing of it is loaded before something was taught."""

    def __init__(self, teachable: Teachable, space_name: str, learned: Learned) -> None:
        self.teachable, self.space_name = teachable, space_name
        self.path = gallery_path(space_name)
        self._learned = learned
        self._gallery: Gallery | None = None
        self._looked = 0.0

    def row(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """What is compared of one picture's outputs."""
        return np.asarray(outputs[self.teachable.output], np.float32).reshape(-1)

    @property
    def edition(self) -> object:
        """What was taught, as it stands: another value once something was taught, renamed or forgotten."""
        return None if self._gallery is None else self._gallery.edition

    def gallery(self, width: int) -> Gallery:
        """The gallery, for features of so many numbers; its file is made when something is taught."""
        from ..gallery.gallery import Gallery

        if self._gallery is None:
            false_accepts = self.teachable.false_accepts or FALSE_ACCEPTS
            self._gallery = Gallery(self.path, self._space(width), false_accepts=false_accepts)
        return self._gallery

    def take(self, path: Path) -> None:
        """Take another file in place of this device's own: one that was carried here, or a copy."""
        self.path, self._gallery = path, None

    def named(self, seen: Recognitions, outputs: Mapping[str, NDArray[Any]]) -> Recognitions:
        """A network's one row with who or which it is, where that was taught."""
        return self.named_by(seen, lambda: self.row(outputs)[None])

    def named_by(
        self, seen: Recognitions, looks: Callable[[], NDArray[np.float32]], weights: NDArray[np.float64] | None = None
    ) -> Recognitions:
        """A row with who or which it is by what is compared of several looks at it (N, D), each of its weight."""
        if len(seen) != 1 or not self._is_there():
            return seen
        rows = looks()
        found = self.gallery(rows.shape[1]).match(rows, weights)
        if not found.known:
            return seen
        similarity = np.array([found.similarity], np.float32)
        scores = similarity if int(seen.ids[0]) == UNKNOWN_ID else seen.scores
        return dataclasses.replace(seen, identities=(found.name,), similarities=similarity, scores=scores)

    def existing(self) -> Gallery | None:
        """The gallery where its file is there; no network is asked for how many numbers it holds."""
        from ..gallery.file import GalleryFile

        if self._gallery is None and self.path.is_file():
            return self.gallery(GalleryFile(self.path).beginning().width)
        return self._gallery

    def _is_there(self) -> bool:
        if self._gallery is not None:
            return True
        moment = time.monotonic()
        if moment - self._looked < _LOOKS_EVERY_S:
            return False
        self._looked = moment
        return self.path.is_file()

    def _space(self, width: int) -> Space:
        from ..gallery.space import Space, space_with_cohort

        learned = self._learned()
        if len(learned) and learned.shape[1] == width:
            return space_with_cohort(self.space_name, learned)
        return Space(self.space_name, width, accepts=self.teachable.accepts)


def taught_of(bundle: Bundle, network: Network, file: ModelFile, known: Known | None) -> Taught | None:
    """What a network can be taught by; None for one whose answers tell nothing apart that it was not trained for."""
    teachable = task_of(network.task).teachable(network)
    if teachable is None:
        return None
    _check_false_accepts(teachable)
    space = network.feature_space or hashlib.sha256(bundle.read(file.path)).hexdigest()
    if not teachable.features:
        space = hashlib.sha256(f"{space}:{teachable.output}".encode()).hexdigest()

    def learned() -> NDArray[np.float32]:
        if not teachable.beside:
            return np.empty((0, 0), np.float32)
        return known.bank if known is not None and teachable.features else _golden(bundle, network, teachable.output)

    return Taught(teachable, space, learned)


def _check_false_accepts(teachable: Teachable) -> None:
    """Refuse a share of strangers that the limits which a network brings say nothing of; its usual one always holds."""
    asked, known = teachable.false_accepts, [rate for rate, _ in teachable.accepts]
    if asked is None or not known:
        return
    least, most = min(known[-1], FALSE_ACCEPTS), known[0]
    if not least <= asked <= most:
        raise UsageError(
            f"--false-accepts {asked:g}: of this network it is known how near strangers come for"
            f" {', '.join(f'{rate:g}' for rate in known)} of them: say {least:g} to {most:g}"
        )


def _golden(bundle: Bundle, network: Network, output: str) -> NDArray[np.float32]:
    """Where a bundle brings no learned pictures: the golden frames' rows (N, D), else what certain answers would be."""
    from .golden import reference_of

    for golden in bundle.manifest.golden:
        if bundle.manifest.networks.get(golden.network) is network:
            rows = reference_of(bundle, golden).get(output)
            if rows is not None and len(rows):
                return np.asarray(rows, np.float32).reshape(len(rows), -1)
    return np.eye(len(network.labels), dtype=np.float32)
