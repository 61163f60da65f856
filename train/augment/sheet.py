"""A sheet of augmented pictures, to see with one's own eyes what the network will be shown."""

from __future__ import annotations

import os
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgelens.runtime.host.files import write_bytes
from edgelens.runtime.images.lettering import drawable

__all__ = ["write_sheet"]

_GAP, _CAPTION = 4, 18  # pixels


def write_sheet(
    path: str | os.PathLike[str], columns: Sequence[Tensor], captions: Sequence[str], *, side: int = 96
) -> None:
    """A PNG with a row a picture, below its caption; each of `columns` is all pictures, (B, C, H, W) in [-1, 1)."""
    tiles = [_pixels(column) for column in columns]
    rows = []
    for i, caption in enumerate(captions):
        row = np.concatenate([np.pad(_sized(tile[i], side), ((0, _GAP), (0, _GAP), (0, 0))) for tile in tiles], axis=1)
        rows.append(np.concatenate([_caption(caption, row.shape[1]), row]))
    done, data = cv2.imencode(".png", np.concatenate(rows)[..., ::-1])
    assert done
    write_bytes(path, data.tobytes(), named=True)


def _pixels(images: Tensor) -> NDArray[np.uint8]:
    """(B, H, W, 3) uint8 RGB."""
    array = (images * 128 + 128).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return np.repeat(array, 3, axis=3) if array.shape[3] == 1 else array


def _sized(tile: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    scale = side / max(tile.shape[:2])
    how = cv2.INTER_NEAREST if scale > 1 else cv2.INTER_AREA
    width, height = max(round(tile.shape[1] * scale), 1), max(round(tile.shape[0] * scale), 1)
    return np.asarray(cv2.resize(tile, (width, height), interpolation=how), np.uint8)


def _caption(text: str, width: int) -> NDArray[np.uint8]:
    strip = np.zeros((_CAPTION, width, 3), np.uint8)
    place = (2, _CAPTION - 5)
    cv2.putText(strip, drawable(text), place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (230, 230, 230), 1, cv2.LINE_AA)
    return strip
