"""Pictures put together of two: cut where a network that reads already tells one character from the next.

Few pictures hold few neighbours of every character; put together anew they hold as many as there are pairs.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.runtime.decode.spelling.alignment import places, spoken

from ...augment import normalised
from ...config import TrainConfig
from ...data.targets import RaggedTargets
from ...task import Draw
from .data import rows_of, targets_in

__all__ = ["Splicing"]

_NEAR = 0.12  # of the width: how far apart the two cuts may be
_STREAM = 7  # of the draws


@dataclass
class Splicing:
    """In which share of the pictures, and where each picture may be cut; what was looked at once is remembered."""

    share: float
    start: str
    alphabet: str
    _cuts: dict[bytes, NDArray[np.float64] | None] = field(default_factory=dict)

    @classmethod
    def of(cls, config: TrainConfig) -> Splicing | None:
        """As it was asked for; None where no run is there to cut with."""
        if not config.spliced or not config.starts_from_a_run:
            return None
        return cls(config.spliced, str(config.start), config.alphabet or "")

    @functools.cached_property
    def reader(self) -> nn.Module | None:
        """What says where one character ends; None where it reads others."""
        # by its name: a run makes tasks, and only this one looks into another run
        run = importlib.import_module("edgelens.train.runs.run").Run.open(self.start)
        return run.model().eval() if run.config.alphabet == self.alphabet else None

    def told(self) -> str:
        """By whom pictures are cut, or why by nobody."""
        if self.reader is None:
            return f"warning: nothing is spliced: {self.start} reads other characters than this run"
        return f"splices pictures where {self.start} reads one character after the other"

    def mixed_in(self, pixels: Tensor, targets: RaggedTargets, draw: Draw) -> tuple[Tensor, RaggedTargets]:
        """A batch (B, C, H, W) uint8, a share of its pictures with another end, and its targets."""
        if self.reader is None:
            return pixels, targets
        rows = rows_of(targets)
        cuts = self._cuts_of(self.reader, pixels, rows)
        sound = [row for row, found in enumerate(cuts) if found is not None]
        made, texts = pixels.clone(), list(rows)
        for row, sample in enumerate(draw.samples.tolist()):
            chance = np.random.default_rng((draw.seed, draw.epoch, sample, _STREAM))
            if chance.random() >= self.share or cuts[row] is None:
                continue
            other = int(chance.choice(sound))
            joint = _joint(cuts[row], cuts[other], chance)
            if joint is not None:
                (mine, at), (theirs, begin) = joint
                made[row] = _joined(pixels[row], pixels[other], at, begin)
                texts[row] = (*rows[row][: mine + 1], *rows[other][theirs + 1 :])
        return made, targets_in(texts)

    def _cuts_of(
        self, reader: nn.Module, pixels: Tensor, rows: list[tuple[int, ...]]
    ) -> list[NDArray[np.float64] | None]:
        """Between the characters of every picture, in shares of its width; None of one that is not read right."""
        keys = [hashlib.blake2b(picture.numpy().tobytes(), digest_size=12).digest() for picture in pixels]
        unseen = [row for row, key in enumerate(keys) if key not in self._cuts]
        if unseen:
            with torch.no_grad():
                scores = reader(normalised(pixels[unseen])).float()
            for row, steps in zip(unseen, scores.softmax(2).numpy().astype(np.float64), strict=True):
                self._cuts[keys[row]] = _cuts(steps, rows[row])
        return [self._cuts[key] for key in keys]


def _cuts(steps: NDArray[np.float64], text: tuple[int, ...]) -> NDArray[np.float64] | None:
    if len(text) < 2 or spoken(steps) != text:
        return None
    said = places(steps, text)
    centers = np.array([np.flatnonzero(said == 2 * at + 1).mean() + 0.5 for at in range(len(text))])
    between: NDArray[np.float64] = (centers[1:] + centers[:-1]) / 2 / len(steps)
    return between


def _joint(
    ours: NDArray[np.float64] | None, theirs: NDArray[np.float64] | None, chance: np.random.Generator
) -> tuple[tuple[int, float], tuple[int, float]] | None:
    """Behind which character the one picture ends and the other begins, and where; None where no two cuts are near."""
    if ours is None or theirs is None:
        return None
    mine = int(chance.integers(len(ours)))
    other = int(np.abs(theirs - ours[mine]).argmin())
    if abs(theirs[other] - ours[mine]) > _NEAR:
        return None
    return (mine, float(ours[mine])), (other, float(theirs[other]))


def _joined(left: Tensor, right: Tensor, at: float, begin: float) -> Tensor:
    """One picture's beginning and another's end, brought to their width."""
    width = left.shape[2]
    whole = torch.cat([left[:, :, : max(round(at * width), 1)], right[:, :, min(round(begin * width), width - 1) :]], 2)
    if whole.shape[2] == width:
        return whole
    resized = F.interpolate(whole[None].float(), (left.shape[1], width), mode="bilinear", align_corners=False)
    return resized[0].round().clamp(0, 255).to(torch.uint8)
