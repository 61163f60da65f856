"""The whole camera: every one of its faults, each on or off with settings of its own."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..random.draws import Draws
from .defocus import Defocus, defocus
from .exposure import Exposure, expose
from .jpeg import Jpeg, compress
from .low_light import LowLight, darken
from .motion_blur import MotionBlur, motion_blur
from .noise import Noise, add_noise
from .occlusion import Occlusion, occlude
from .white_balance import WhiteBalance, unbalance

__all__ = ["WEBCAM", "Camera", "shoot"]


@dataclass(frozen=True)
class Camera:
    """Which faults the camera has; None is a fault it does not have."""

    occlusion: Occlusion | None = None
    defocus: Defocus | None = None
    motion_blur: MotionBlur | None = None
    exposure: Exposure | None = None
    low_light: LowLight | None = None
    white_balance: WhiteBalance | None = None
    noise: Noise | None = None
    jpeg: Jpeg | None = None


WEBCAM = Camera(
    Occlusion(), Defocus(), MotionBlur(), Exposure(), LowLight(), WhiteBalance(), Noise(), Jpeg()
)  # all of them, as often and as badly as a cheap webcam


def shoot(images: Tensor, camera: Camera, draws: Draws) -> Tensor:
    """Normalised images (B, C, H, W) as that camera would take them."""
    if camera.occlusion:
        images = occlude(images, camera.occlusion, draws)
    if camera.defocus:
        images = defocus(images, camera.defocus, draws)
    if camera.motion_blur:
        images = motion_blur(images, camera.motion_blur, draws)
    if camera.exposure:
        images = expose(images, camera.exposure, draws)
    if camera.low_light:
        images = darken(images, camera.low_light, draws)
    if camera.white_balance:
        images = unbalance(images, camera.white_balance, draws)
    if camera.noise:
        images = add_noise(images, camera.noise, draws)
    if camera.jpeg:
        images = compress(images.clamp(-1, 127 / 128), camera.jpeg, draws)
    return images
