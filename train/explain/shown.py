"""Pictures that an answer may be compared with: of a folder, or those that a run learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.preprocess import PixelContract, fit_frame

from ..augment import normalised
from ..task import Arrays, by_name

__all__ = ["ShownPictures"]

_MOST = 400  # pictures, as many of each name
_BATCH = 64


class ShownPictures:
    """What a network makes of a set's pictures, looked at once when they are first asked for."""

    def __init__(
        self,
        network: nn.Module,
        open_images: Callable[[], ImageSet],
        *,
        pixels: PixelContract,
        outputs: tuple[str, ...],
        seen: Callable[[int, int], None] = lambda _done, _of: None,
    ) -> None:
        self._network, self._open, self._pixels, self._outputs, self._seen = network, open_images, pixels, outputs, seen

    @cached_property
    def _images(self) -> ImageSet:
        images = self._open()
        return images.select(np.array(_some_of_each(images.labels), np.intp))

    @cached_property
    def names(self) -> Sequence[str]:
        """Whose picture each is."""
        return [self._images.classes[label] for label in self._images.labels.tolist()]

    @cached_property
    @torch.no_grad()
    def outputs(self) -> Arrays:
        """The network's outputs, by name."""
        found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in self._outputs}
        for start in range(0, len(self._images), _BATCH):
            rows = range(start, min(start + _BATCH, len(self._images)))
            seen = np.stack([fit_frame(self.image(row), self._pixels)[0] for row in rows])
            said = by_name(self._network(normalised(torch.from_numpy(seen).permute(0, 3, 1, 2))), self._outputs)
            for name, values in said.items():
                found[name].append(values.numpy())
            self._seen(rows.stop, len(self._images))
        return {name: np.concatenate(rows) for name, rows in found.items()}

    def image(self, row: int) -> NDArray[np.uint8]:
        """One of the pictures, BGR."""
        return self._images.image(row)


def _some_of_each(labels: NDArray[np.int32]) -> list[int]:
    """The numbers of at most `_MOST` pictures: every label's first, then every label's second, and so on."""
    turn: dict[int, int] = {}
    turns = []
    for row, label in enumerate(labels.tolist()):
        turn[label] = turn.get(label, -1) + 1
        turns.append((turn[label], row))
    return sorted(row for _, row in sorted(turns)[:_MOST])
