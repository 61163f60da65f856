"""Occlusion (Zeiler & Fergus, 2014): cover one part after the other and see how much of the score goes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edgelens.runtime.explain.covers import SIDE, STEP, covers

from ..task import Reading, by_name

__all__ = ["Occlusion", "occlusion"]


@dataclass(frozen=True)
class Occlusion:
    """The cover's side as a fraction of the picture's shorter side, its steps as a fraction of itself, its colour."""

    side: float = SIDE
    step: float = STEP
    pixel: int | None = None  # 0 to 255; the picture's own mean unless said, which says least
    batch: int = 128  # covered pictures at a time


@torch.no_grad()
def occlusion(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    reading: Reading,
    config: Occlusion = Occlusion(),
) -> Tensor:
    """Heat (B, H, W): the mean loss of the answer's score over all covers that lie on a place."""
    H, W = images.shape[2:]
    masks = _masks(H, W, config).to(images.device)  # (M, H, W)
    heat = torch.zeros(len(images), H, W, device=images.device)
    for i, image in enumerate(images):
        cover = image.mean((1, 2), keepdim=True) if config.pixel is None else torch.tensor((config.pixel - 128) / 128)
        whole = _score(network, image[None], targets[i], reading)
        lost = torch.cat(
            [
                whole - _score(network, torch.where(part[:, None], cover, image), targets[i], reading)
                for part in torch.split(masks, config.batch)
            ]
        )
        heat[i] = torch.einsum("m,mhw->hw", lost, masks.float()) / masks.sum(0)
    return heat


def _score(network: nn.Module, images: Tensor, target: Tensor, reading: Reading) -> Tensor:
    return reading.score(by_name(network(images), reading.outputs), target.expand(len(images)))


def _masks(height: int, width: int, config: Occlusion) -> Tensor:
    """(M, H, W) bool: squares that together touch every pixel."""
    places = covers(height, width, config.side, config.step)
    masks = torch.zeros(len(places), height, width, dtype=torch.bool)
    for mask, place in zip(masks, places, strict=True):
        mask[place] = True
    return masks
