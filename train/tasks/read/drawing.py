"""Plates in the place of some pictures of a batch, drawn by their layouts while the training goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgelens.runtime.errors import DataError

from ...augment import normalised
from ...augment.camera import Camera, shoot
from ...augment.camera.defocus import Defocus
from ...augment.camera.exposure import Exposure
from ...augment.camera.jpeg import Jpeg
from ...augment.camera.low_light import LowLight
from ...augment.camera.motion_blur import MotionBlur
from ...augment.camera.noise import Noise
from ...augment.camera.white_balance import WhiteBalance
from ...augment.random.draws import Draws
from ...config import TrainConfig
from ...data.targets import RaggedTargets
from ...task import Draw
from .data import is_read
from .faces import faces_for
from .plates.file import is_file, load_layout
from .plates.flat import Faces, drawn
from .plates.layout import Layout
from .plates.outdoors import hung
from .plates.signs import Signs
from .replaced import replaced, rows_to_replace

__all__ = ["Plates", "with_plates"]

_CAMERA = Camera(
    None, Defocus(0.25, 0.03), MotionBlur(0.25, 0.09), Exposure(0.6, (-1.0, 1.2)), LowLight(0.1, (1.0, 2.5)),
    WhiteBalance(0.6), Noise(0.5), Jpeg(0.6),
)  # fmt: skip
_STREAM = 0x506C  # of the camera's draws, so that a recipe's own camera draws others


@dataclass(frozen=True)
class Plates:
    """Which plates take the place of which share of the pictures."""

    share: float
    alphabet: str
    layouts: tuple[Layout, ...]
    faces: tuple[Faces, ...]  # a layout's
    unread: tuple[frozenset[str], ...]  # what stands on it and is not of the alphabet

    @classmethod
    def of(cls, config: TrainConfig) -> Plates | None:
        """As it was asked for; None where it was not."""
        if not config.plates or not config.alphabet or not config.written:
            return None
        layouts = tuple(load_layout(said) for said in config.plates)
        unread = tuple(frozenset(c for c in each.characters if not is_read(c, config.alphabet)) for each in layouts)
        faces = tuple(_faces(each, config.alphabet) for each in layouts)
        return cls(config.written, config.alphabet, layouts, faces, unread)

    def told(self) -> str:
        """Which plates, with how many fonts."""
        fonts = {file for faces in self.faces for files in faces.values() for file in files}
        return f"draws plates ({', '.join(layout.name for layout in self.layouts)}) with {len(fonts)} fonts"

    def mixed_in(self, pixels: Tensor, targets: RaggedTargets, draw: Draw) -> tuple[Tensor, RaggedTargets]:
        """A batch (B, C, H, W) uint8, a share of its pictures given way to plates, and its targets."""
        picked = rows_to_replace(draw, self.share)
        if not picked:
            return pixels, targets
        rows = [row for row, _ in picked]
        made = [self.picture(pixels.shape[2:], chance) for _, chance in picked]
        draws = Draws.of(draw.seed ^ _STREAM, draw.epoch, draw.samples[rows].cpu())
        seen = _shot(np.stack([image for image, _ in made]), pixels.shape[1], draws)
        return replaced(pixels, targets, rows, [*zip(seen, (text for _, text in made), strict=True)], self.alphabet)

    def picture(self, size: Sequence[int], chance: np.random.Generator) -> tuple[NDArray[np.uint8], str]:
        """A plate (H, W, 3) RGB before a camera takes it, and what is to be read on it."""
        which = int(chance.integers(len(self.layouts)))
        flat = drawn(self.layouts[which], self.faces[which], self.unread[which], chance)
        return hung(flat, (size[0], size[1]), chance), flat.text


def with_plates(config: TrainConfig) -> TrainConfig:
    """The configuration with the whole paths of its layouts, so that a run can be opened from anywhere; refuses what
    cannot be drawn."""
    if Plates.of(config) is None:
        return config
    return replace(config, plates=tuple(str(Path(s).absolute()) if is_file(s) else s for s in config.plates))


def _faces(layout: Layout, alphabet: str) -> Faces:
    """The fonts for every text of a layout; one that no font knows is scribbled, if nothing of it is read."""
    found: dict[Signs, tuple[str, ...]] = {}
    read = {part.signs for line in layout.read for part in line.parts}
    every = [part.signs for line in layout.lines for part in line.parts] + [band.signs for band in layout.bands]
    for signs in every:
        if signs is None or signs in found:
            continue
        found[signs] = faces_for(signs.characters, layout.fonts)
        if signs in read and not found[signs] and any(is_read(c, alphabet) for c in signs.characters):
            raise DataError(
                f"--plates {layout.name}: no font here has all of {signs.characters[:40]!r}, which are to be read;"
                " install one (apt install fonts-dejavu fonts-noto-cjk), or leave them out of --alphabet, and"
                " something like them is drawn and not read"
            )
    return found


def _shot(images: NDArray[np.uint8], channels: int, draws: Draws) -> NDArray[np.uint8]:
    """Pictures (B, H, W, 3) as a camera of so many channels takes them, (B, C, H, W)."""
    if channels == 1:
        images = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images])[..., None]
    pixels = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    seen = shoot(normalised(pixels), _CAMERA, draws).clamp(-1, 127 / 128)
    return np.asarray(((seen + 1) * 128).round().clamp(0, 255).to(torch.uint8).numpy())
