"""Integrated gradients (Sundararajan et al., 2017): what each pixel adds to an answer on the way from a blank one.

What all pixels add sums to the difference of the two values: nothing is left out, nothing counted twice.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..task import Reading, by_name

__all__ = ["IntegratedGradients", "completeness_error", "integrated_gradients"]


@dataclass(frozen=True)
class IntegratedGradients:
    """How many points of the way are looked at, and the blank picture's pixel (0 to 255; 128 is the network's zero)."""

    steps: int = 64
    blank: int = 128


def integrated_gradients(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    reading: Reading,
    config: IntegratedGradients = IntegratedGradients(),
) -> Tensor:
    """What each place adds, (B, H, W), negative where it speaks against the answer; channels are summed."""
    start = torch.full_like(images, (config.blank - 128) / 128)
    way = images - start
    places, weights = _gauss(config.steps)  # exact for far fewer points than equal steps
    total = torch.zeros_like(images)
    for place, weight in zip((places + 1) / 2, weights / 2, strict=True):
        with torch.enable_grad():
            at = (start + float(place) * way).requires_grad_()
            chosen = reading.value(by_name(network(at), reading.outputs), targets).sum()
            (gradient,) = torch.autograd.grad(chosen, at)
        total += float(weight) * gradient
    return (total * way).sum(1)


@torch.no_grad()
def completeness_error(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    reading: Reading,
    heat: Tensor,
    config: IntegratedGradients = IntegratedGradients(),
) -> Tensor:
    """(B,) how far the heat's sum is from the value's difference to the blank picture, as a fraction of it."""
    blank = torch.full_like(images, (config.blank - 128) / 128)
    seen, nothing = (by_name(network(pictures), reading.outputs) for pictures in (images, blank))
    difference = reading.value(seen, targets) - reading.value(nothing, targets)
    error: Tensor = (heat.sum((1, 2)) - difference).abs() / difference.abs().clamp(min=1e-6)
    return error


@functools.cache
def _gauss(steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    places, weights = np.polynomial.legendre.leggauss(steps)
    return places, weights
