"""NumPy archives with images and labels, and optionally classes; one set, or one a split (`x_train`, `y_train`, …)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .imageset import MOST_CLASSES, ImageSet
from .npz_arrays import open_arrays
from .splits import SPLIT_WORDS

__all__ = ["fits", "read"]

_IMAGES = ("images", "x", "data", "image", "imgs")  # names are compared without case and _
_LABELS = ("labels", "y", "target", "label", "targets")
_MASKS = ("masks", "mask")
_CLASSES = ("classes", "classnames", "targetnames", "labelnames")
_OVER = 0.1  # of white: how far a bicubic resize goes past black and white
_DARKEST = 16  # bytes of pictures that go no further hold 0 and 1, or 0 to 16
_EXACT = 2**53  # floats below it hold whole numbers exactly
_BYTES = (0.0, 1.0)  # what black is and what makes 255 of white, of pictures that are bytes already
_UNREADABLE = (  # zipfile says of a locked one, and of what it does not know, that it is a RuntimeError
    OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, MemoryError, RuntimeError,
)  # fmt: skip
_CHUNK = 1024  # images turned to bytes at a time


def fits(path: Path) -> bool:
    """Whether this is an .npz file."""
    return path.is_file() and path.suffix.lower() == ".npz"


def read(path: Path) -> ImageSet:
    """The set in an archive; float images become bytes, and what is missing (NaN, `masks`, full transparency) is filled
    with the image's mean."""
    try:
        arrays = open_arrays(path)
    except _UNREADABLE as error:
        raise DataError(f"{path}: is no .npz that can be read ({error})") from None
    splits = [s for s in ("", "train", "val", "test") if _find(arrays, _IMAGES, s) is not None]
    if not splits:
        raise DataError(
            f"{path}: holds {', '.join(arrays) or 'nothing'}; it needs images and labels (or x_train, y_train, …)"
        )
    arrived, pictures, masks, answers = [], [], [], []
    for split in splits:
        images, labels = _find(arrays, _IMAGES, split), _find(arrays, _LABELS, split)
        where = f"{path}: {split or 'images'}"
        if images is None or labels is None:
            raise DataError(f"{where}: there are images and no labels for them")
        images, labels = _laid_out(images, where), _flat(labels)
        if labels.ndim != 1 or len(images) != len(labels):
            raise DataError(f"{where}: {len(images)} images with labels of shape {labels.shape} do not fit")
        arrived.append((images, _find(arrays, _MASKS, split), where))
        answers.append(labels)
    ranges = _ranges([(images, where) for images, _, where in arrived])
    for images, mask, where in arrived:
        bytes_, missing = _filled(images, mask, ranges[images.dtype.str], where)
        pictures.append(bytes_)
        masks.append(missing)
    if len({part.shape[1:] for part in pictures}) > 1:
        raise DataError(f"{path}: its splits hold images of different sizes")
    classes, ids = _numbered(answers, _find(arrays, _CLASSES, ""), path)
    mask = (
        None
        if all(m is None for m in masks)
        else np.concatenate(
            [np.zeros(part.shape[:3], bool) if m is None else m for m, part in zip(masks, pictures, strict=True)]
        )
    )
    return ImageSet(
        str(path),
        "npz",
        classes,
        ids,
        np.concatenate([np.full(len(labels), s, "<U5") for s, labels in zip(splits, answers, strict=True)]),
        [f"{s or 'all'}/{i}" for s, labels in zip(splits, answers, strict=True) for i in range(len(labels))],
        pictures[0] if len(pictures) == 1 else np.concatenate(pictures),
        masks=mask,
    )


def _find(arrays: dict[str, NDArray[Any]], stems: tuple[str, ...], split: str) -> NDArray[Any] | None:
    plain = {name.lower().replace("_", ""): array for name, array in arrays.items()}
    words = [word for word, meant in SPLIT_WORDS.items() if meant == split] or [""]
    names = (name for word in words for stem in stems for name in (stem + word, word + stem))
    return next((plain[name] for name in names if name in plain), None)


def _laid_out(images: NDArray[Any], where: str) -> NDArray[Any]:
    """(N, H, W) or (N, H, W, 3 or 4) from what people store: channels first, one channel, or flat square pictures."""
    if images.dtype.kind not in "uifb":
        raise DataError(f"{where}: images are numbers, not {images.dtype}")
    if 0 in images.shape:
        raise DataError(f"{where}: an array of shape {images.shape} holds no images")
    if images.ndim == 2 and round(images.shape[1] ** 0.5) ** 2 == images.shape[1]:
        side = round(images.shape[1] ** 0.5)
        images = images.reshape(-1, side, side)
    if images.ndim == 4 and images.shape[3] not in (1, 3, 4) and images.shape[1] in (1, 3, 4):
        images = images.transpose(0, 2, 3, 1)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (3, 4)) or 0 in images.shape:
        raise DataError(f"{where}: an array of shape {images.shape} is no images (N, H, W) or (N, H, W, 3)")
    return images


def _flat(labels: NDArray[Any]) -> NDArray[Any]:
    """One label an image, from (N, 1), one-hot (N, classes) or whole numbers stored as floats."""
    if labels.ndim == 2 and labels.shape[1] > 0:
        labels = labels[:, 0] if labels.shape[1] == 1 else labels.argmax(axis=1)
    if labels.dtype.kind == "f" and (np.abs(labels) < _EXACT).all() and (labels == np.rint(labels)).all():
        return labels.astype(np.int64)
    return labels.astype(np.int64) if labels.dtype.kind == "b" else labels


def _numbered(
    labels: list[NDArray[Any]], classes: NDArray[Any] | None, path: Path
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    every = np.concatenate(labels)
    if every.dtype.kind not in "iu":
        names, ids = np.unique(every.astype(str), return_inverse=True)
        return tuple(str(name) for name in names), ids.astype(np.int32)
    if every.size and every.min() < 0:
        raise DataError(f"{path}: a label is {every.min()}; labels are class numbers from 0, or names")
    if classes is not None and classes.ndim != 1:
        raise DataError(f"{path}: `classes` of shape {classes.shape} is no list of names")
    top = int(every.max()) if every.size else -1
    if top >= MOST_CLASSES:
        raise DataError(f"{path}: a label is {top}; labels are class numbers below {MOST_CLASSES:,}, or names")
    named = tuple(str(c) for c in classes) if classes is not None else tuple(str(c) for c in range(top + 1))
    if top >= len(named):
        raise DataError(f"{path}: a label is {top}, and `classes` names {len(named)}")
    return named, every.astype(np.int32)


def _filled(
    images: NDArray[Any], masks: NDArray[Any] | None, span: tuple[float, float], where: str
) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """Bytes, and where pixels were missing (None where nowhere); an image that is missing altogether becomes gray."""
    if images.dtype == np.uint8 and masks is None and images.shape[3:] != (4,) and span == _BYTES:
        return images, None
    if masks is not None and (masks.ndim not in (3, 4) or masks.shape[:3] != images.shape[:3]):
        raise DataError(f"{where}: masks of shape {masks.shape} do not fit images of shape {images.shape}")
    low, scale = span
    out = np.empty((*images.shape[:3], *((3,) if images.ndim == 4 else ())), np.uint8)
    missing = np.zeros(images.shape[:3], bool)
    for start in range(0, len(images), _CHUNK):
        part = slice(start, start + _CHUNK)
        missing[part] = _missing(images[part], None if masks is None else masks[part])
        out[part] = _as_bytes(images[part], missing[part], low, scale)
    return out, missing if missing.any() else None


def _as_bytes(images: NDArray[Any], missing: NDArray[np.bool_], low: float, scale: float) -> NDArray[np.uint8]:
    values = (images[..., :3] if images.ndim == 4 else images).astype(np.float32)
    lost = missing if values.ndim == 3 else missing[..., None]
    known = np.where(lost, 0, (values - low) * scale)
    counts = (~lost).sum((1, 2), keepdims=True)
    mean = np.where(counts > 0, known.sum((1, 2), keepdims=True) / np.maximum(counts, 1), 128)
    return np.asarray(np.clip(np.rint(np.where(lost, mean, known)), 0, 255), np.uint8)


def _missing(images: NDArray[Any], masks: NDArray[Any] | None) -> NDArray[np.bool_]:
    """(N, H, W) True where a pixel is missing."""
    lost = np.zeros(images.shape[:3], bool)
    if images.dtype.kind == "f":
        lost |= ~np.isfinite(images) if images.ndim == 3 else ~np.isfinite(images).all(axis=3)
    if images.ndim == 4 and images.shape[3] == 4:
        lost |= images[..., 3] == 0
    if masks is not None:
        lost |= masks.astype(bool) if masks.ndim == 3 else masks.astype(bool).any(axis=3)
    return lost


def _ranges(parts: Sequence[tuple[NDArray[Any], str]]) -> dict[str, tuple[float, float]]:
    """The range of each type of number, over all splits: a darker one is no darker for it."""
    found: dict[str, tuple[float, float]] = {}
    for images, where in parts:
        kind = images.dtype.str
        if kind not in found:
            found[kind] = _range([each for each, _ in parts if each.dtype.str == kind], where)
    return found


def _range(parts: Sequence[NDArray[Any]], where: str) -> tuple[float, float]:
    """What black is, and what makes 255 of white: floats span 0 to 1, -1 to 1 or 0 to 255, a resize's overshoot
    aside, deeper integers their type, and scikit-learn's 8 × 8 digits 0 to 16."""
    images, low, top = parts[0], np.inf, -np.inf
    if images.dtype == np.uint8 and any(each[:_CHUNK].max() > _DARKEST for each in parts):
        return _BYTES
    for part in (each[start : start + _CHUNK] for each in parts for start in range(0, len(each), _CHUNK)):
        known = part[np.isfinite(part)] if part.dtype.kind == "f" else part
        if known.size:
            low, top = min(low, float(known.min())), max(top, float(known.max()))
    floats, digits = images.dtype.kind == "f", low >= 0 and top <= _DARKEST and images.shape[1:3] == (8, 8)
    if floats and low >= -_OVER and top <= 1 + _OVER:
        return 0.0, 255.0
    if low < 0 and low >= -1 - _OVER and top <= 1 + _OVER:
        return -1.0, 127.5
    if digits and top > 1:
        return 0.0, 255.0 / _DARKEST
    if floats and low >= -255 * _OVER and _DARKEST < top <= 255 * (1 + _OVER):
        return 0.0, 1.0
    if floats or low < 0:
        raise DataError(f"{where}: pixels from {low:g} to {top:g}: they must span 0 to 1, -1 to 1 or 0 to 255")
    if top > 255:
        return 0.0, 255.0 / next((white for white in (1023, 4095, 65535) if top <= white), top)
    return 0.0, 255.0 if top <= 1 else 1.0
