"""What a bundle's last network looks at in a photo: all of it, or the largest thing that a chain finds there."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, UsageError
from ..model.crops import crops_of, largest, picture_of_crop
from ..model.recognizer import BundleRecognizer
from ..preprocess import Placement, fit_frame
from .explanation import Heat
from .picture import heat_in_frame

__all__ = ["Inside", "Look", "look_at"]


@dataclass(frozen=True)
class Inside:
    """The thing that a chain found and looked into."""

    label: str
    box: tuple[float, ...]  # x, y, w, h in pixels of the photo


@dataclass(frozen=True)
class Look:
    """The picture that people see, the network's own of it, and the way between the two."""

    picture: NDArray[np.uint8] = field(repr=False)  # (H, W, 3) BGR
    pixels: NDArray[np.uint8] = field(repr=False)  # (h, w, C)
    placement: Placement
    inside: Inside | None = None

    def heat(self, heat: Heat) -> Heat:
        """Heat (h, w) of the network's picture as heat of the one that people see."""
        whole = heat_in_frame(heat, self.placement)
        if self.inside is None:
            return whole
        x, y, w, h = self.placement.view
        return whole[y : y + h, x : x + w]

    def box(self, box: tuple[float, ...] | None) -> tuple[float, ...] | None:
        """A box x, y, w, h of the frame that the network's picture was cut from, in the one that people see."""
        if box is None or self.inside is None:
            return box
        left, top, *size = box
        x, y, _, _ = self.placement.view
        return (left - x, top - y, *size)


def look_at(recognizer: BundleRecognizer, photo: NDArray[np.uint8]) -> Look:
    """What is looked at in a BGR photo."""
    manifest, contract = recognizer.bundle.manifest, recognizer.main.network.pixels
    if len(manifest.steps) == 1:
        return Look(photo, *fit_frame(photo, contract))
    if len(manifest.steps) > 2:
        raise UsageError(f"{manifest.name}: has {len(manifest.steps)} steps; a chain of two can be explained")
    step, found = manifest.steps[1], recognizer.found(photo)
    crop = largest(crops_of(photo, found, step, contract), found)
    if crop is None:
        raise DataError(f"{manifest.name}: its step {step.region} finds nothing in this picture")
    inside = Inside(found.label(crop.row), tuple(found.places[crop.row].tolist()))
    return Look(picture_of_crop(photo, found, step, crop), crop.pixels, crop.placement, inside)
