"""Images that are there twice: the same bytes, or the same picture saved again, resized or slightly changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.imageset import ImageSet

__all__ = ["Duplicate", "alike", "exact_duplicates", "near_duplicates"]

# Measured on photographs saved again at quality 30, halved, doubled, brightened, blurred or with noise: up to 28 of 256
# bits and 0.003 of the correlation differ; of two different photographs 30 bits and 0.1, of two handwritten ones 0.009.
_BITS = 32
_UNLIKE = 0.004
_BANDS = 16  # parts of the hash; images that share one are compared
_CROWD = 32  # a part that so many images share says nothing (a flat background)


@dataclass(frozen=True)
class Duplicate:
    """Two images that show the same."""

    names: tuple[str, str]
    splits: tuple[str, str]
    labels: tuple[str, str]


def exact_duplicates(images: ImageSet, digests: Sequence[bytes]) -> tuple[Duplicate, ...]:
    """Every image whose content was there before, with the first that had it."""
    first: dict[bytes, int] = {}
    pairs = [(first.setdefault(digest, i), i) for i, digest in enumerate(digests)]
    return tuple(_duplicate(images, a, b) for a, b in pairs if a != b)


def near_duplicates(images: ImageSet, thumbs: NDArray[np.uint8], digests: Sequence[bytes]) -> tuple[Duplicate, ...]:
    """Pairs of images, exact ones aside, whose thumbnails nearly agree."""
    return tuple(_duplicate(images, i, j) for i, j in alike(thumbs) if digests[i] != digests[j])


def alike(thumbs: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Pairs of rows whose thumbnails (N, H, W) nearly agree, found by shared parts of a 256-bit hash."""
    bits = thumbs[:, :, 1:] > thumbs[:, :, :-1]  # (N, 16, 16): brighter than the pixel to the left
    packed = np.packbits(bits.reshape(len(bits), -1), axis=1)  # (N, 32)
    bands = packed.view(np.uint16)
    pairs: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        for a, b in _sharing(bands[:, band]):
            near = np.bitwise_count(packed[a] ^ packed[b]).sum(axis=1) <= _BITS
            if not near.any():
                continue
            a, b = a[near], b[near]  # noqa: PLW2901 (only those go on)
            same = _correlation(thumbs[a], thumbs[b]) >= 1 - _UNLIKE
            pairs |= set(zip(a[same].tolist(), b[same].tolist(), strict=True))
    return sorted(pairs)


def _sharing(values: NDArray[np.uint16]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Pairs of rows with the same value, the lower row first; groups of one size at a time."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, values[order][1:] != values[order][:-1]]) if len(values) else order
    sizes = np.diff(np.r_[starts, len(values)])
    for size in range(2, _CROWD + 1):
        members = order[starts[sizes == size][:, None] + np.arange(size)]  # (groups, size), rising
        i, j = np.triu_indices(size, 1)
        yield members[:, i].ravel(), members[:, j].ravel()


def _correlation(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How alike pairs of pictures are, whatever their brightness and contrast; 0 for a flat one."""
    x, y = (part.reshape(len(part), int(np.prod(part.shape[1:]))).astype(np.float32) for part in (a, b))
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    norm = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    flat = norm < 4 * x.shape[1]  # a contrast of two gray levels: noise
    return np.asarray(np.where(flat, 0, (x * y).sum(axis=1) / np.maximum(norm, 1)), np.float32)


def _duplicate(images: ImageSet, a: int, b: int) -> Duplicate:
    names, splits, labels = images.names, images.splits, images.labels
    return Duplicate(
        (names[a], names[b]),
        (str(splits[a]), str(splits[b])),
        (images.classes[labels[a]], images.classes[labels[b]]),
    )
