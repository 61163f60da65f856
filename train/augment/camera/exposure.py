"""Too bright or too dark, as light: stops of exposure in linear light, what exceeds the chip's range is lost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..random.draws import Draws
from ..random.some import on_some

__all__ = ["Exposure", "expose", "gained"]


@dataclass(frozen=True)
class Exposure:
    """For which share, and the stops below and above the right exposure."""

    probability: float = 0.5
    stops: tuple[float, float] = (-1.5, 1.0)


def expose(images: Tensor, config: Exposure, draws: Draws) -> Tensor:
    """Normalised images, some of them exposed wrongly."""

    def change(part: Tensor, its: Draws) -> Tensor:
        return gained(part, torch.exp2(its.uniform("exposure", *config.stops)))

    return on_some(images, draws, "exposure", config.probability, change)


def gained(images: Tensor, gain: Tensor) -> Tensor:
    """Normalised images with their light multiplied by gain (B,) and clipped; the display curve is taken as 2.2."""
    light = ((images + 1) * 0.5).clamp(0, 1)
    return (light * gain.pow(1 / 2.2)[:, None, None, None]).clamp(max=1) * 2 - 1
