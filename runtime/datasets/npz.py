"""NumPy archives with images and labels, and optionally classes; one set, or one a split (`x_train`, `y_train`, …)."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .imageset import ImageSet

__all__ = ["fits", "read"]

_IMAGES = ("images", "x", "X", "data")
_LABELS = ("labels", "y", "Y", "target")


def fits(path: Path) -> bool:
    """Whether this is an .npz file."""
    return path.is_file() and path.suffix == ".npz"


def read(path: Path) -> ImageSet:
    """The set in an archive; float images are scaled to bytes, missing pixels (NaN) filled with the image's mean."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path}: is no .npz that can be read ({error})") from None
    parts = [
        (split, _find(arrays, _IMAGES, split), _find(arrays, _LABELS, split)) for split in ("", "train", "val", "test")
    ]
    found = [(split, images, labels) for split, images, labels in parts if images is not None and labels is not None]
    if not found:
        raise DataError(
            f"{path}: holds {', '.join(arrays) or 'nothing'}; it needs images and labels (or x_train, y_train, …)"
        )
    for split, images, labels in found:
        if images.ndim not in (3, 4) or labels.ndim != 1 or len(images) != len(labels):
            raise DataError(f"{path}: {split or 'images'}: {images.shape} images with {labels.shape} labels do not fit")
    classes, ids = _numbered([labels for _, _, labels in found], arrays.get("classes"))
    pixels, masks = zip(*(_bytes(images) for _, images, _ in found), strict=True)
    splits = np.concatenate([np.full(len(labels), split, "<U5") for split, _, labels in found])
    names = [f"{split or 'all'}/{i}" for split, _, labels in found for i in range(len(labels))]
    mask = np.concatenate(masks)
    return ImageSet(
        str(path),
        "npz",
        classes,
        ids,
        splits,
        names,
        np.concatenate(pixels),
        masks=mask if mask.any() else None,
    )


def _find(arrays: dict[str, NDArray[Any]], stems: tuple[str, ...], split: str) -> NDArray[Any] | None:
    names = [f"{stem}_{split}" for stem in stems] + [f"{split}_{stem}" for stem in stems] if split else list(stems)
    return next((arrays[name] for name in names if name in arrays), None)


def _numbered(labels: list[NDArray[Any]], classes: NDArray[Any] | None) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    every = np.concatenate(labels)
    if every.dtype.kind in "iu":
        named = tuple(str(c) for c in classes) if classes is not None else ()
        count = max(int(every.max(initial=0)) + 1, len(named))
        return named or tuple(str(c) for c in range(count)), every.astype(np.int32)
    names, ids = np.unique(every.astype(str), return_inverse=True)
    return tuple(str(name) for name in names), ids.astype(np.int32)


def _bytes(images: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    shape = images.shape[:3]
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.dtype == np.uint8:
        return images, np.zeros(shape, bool)
    values = images.astype(np.float32)
    missing = ~np.isfinite(values)
    top = float(values[~missing].max(initial=0))
    values = values * (255.0 if top <= 1 else 16.0 if top <= 16 and images.shape[1:3] == (8, 8) else 1.0)
    axes = tuple(range(1, values.ndim))
    kept = np.where(missing, 0, values)
    mean = kept.sum(axes, keepdims=True) / np.maximum((~missing).sum(axes, keepdims=True), 1)
    filled = np.where(missing, mean, values)
    lost = missing.any(axis=3) if missing.ndim == 4 else missing
    return np.clip(np.rint(filled), 0, 255).astype(np.uint8), np.asarray(lost, bool)
