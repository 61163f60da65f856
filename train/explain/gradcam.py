"""Grad-CAM: where the last feature maps speak for a class.

Maps are multiplied place by place with the gradient of the answer's value. Where a network averages its maps this is
exactly Grad-CAM (Selvaraju et al., 2017); where a dense layer weighs each place on its own, averaging the gradient
would mix the places up, and the product does not (HiResCAM; Draelos & Carin, 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgelens.runtime.errors import UsageError

from ..task import Reading, by_name
from .features import feature_maps, features_of

__all__ = ["GradCam", "grad_cam"]


@dataclass(frozen=True)
class GradCam:
    """Whether what speaks against the class is shown too, as negative heat."""

    negative: bool = False


def grad_cam(
    network: nn.Module, images: Tensor, targets: Tensor, reading: Reading, config: GradCam = GradCam()
) -> Tensor:
    """Heat (B, H, W) of normalised images (B, C, H, W) for the answers numbered targets (B,)."""
    with torch.enable_grad(), features_of(network) as seen:
        outputs = by_name(network(images.detach().requires_grad_()), reading.outputs)
        chosen = reading.value(outputs, targets).sum()
        gradients = torch.autograd.grad(chosen, seen) if seen else ()
    pairs = zip(seen, gradients, strict=True)
    maps = [feature_maps(network, features.detach() * gradient, images) for features, gradient in pairs]
    heat = torch.zeros(len(images), 1, *images.shape[2:], device=images.device)
    for spoken in (each.sum(1, keepdim=True) for each in maps if each is not None):
        heat += F.interpolate(spoken, size=images.shape[2:], mode="bilinear", align_corners=False) / spoken[0].numel()
    if not maps or any(each is None for each in maps):
        raise UsageError(
            f"--method grad-cam: {type(network).__name__} has no feature maps;"
            " take integrated-gradients or occlusion, which need none"
        )
    return heat[:, 0] if config.negative else heat[:, 0].clamp(min=0)
