"""What the demo can be told."""

from __future__ import annotations

from dataclasses import dataclass

from ...said import Said, option
from .camera import CameraOptions

__all__ = ["DemoOptions"]


@dataclass(frozen=True)
class DemoOptions(CameraOptions):
    """Which scene, as a camera of that size and rate would show it."""

    seed: int = option(Said("Which demo scene.", "N", low=0, whole=True, flag="--demo-seed"), default=0)
