"""A technique that only some of the samples get, at the price of those alone."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from .draws import Draws

__all__ = ["on_some"]


def on_some(
    images: Tensor, draws: Draws, stream: str, probability: float, change: Callable[[Tensor, Draws], Tensor]
) -> Tensor:
    """Images (B, …) with this share of them changed."""
    rows = draws.chosen(f"{stream} on", probability).nonzero()[:, 0]
    if not len(rows):
        return images
    return images.index_copy(0, rows, change(images[rows], draws.rows(rows)))
