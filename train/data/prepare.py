"""From what a person points at to pictures that can be trained on: read, check, split, decode once."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError
from edgelens.runtime.preprocess import PixelContract

from .check import check
from .config import DataConfig
from .digests import content_digests
from .duplicates import alike
from .facts import FACTS, facts_of
from .folder import cache_folder
from .groups import groups_from_file, groups_from_pattern, joined
from .named import open_data
from .pictures import StoredPictures
from .prune import prune
from .splits import SplitConfig, assign
from .store import Store, fill
from .train_data import Part, TrainData

__all__ = ["open_images", "prepare"]

_EXACT = ("val", "test")  # splits whose pictures are made as the camera's are
_FEW_BAD = 3  # unreadable pictures that a set may always have, if it is four times as large


def open_images(config: DataConfig) -> ImageSet:
    """The data set as it is, before splits, whatever is to be learnt from it."""
    return open_data(config.path, format=config.format, data_dir=config.data_dir)


def prepare(
    config: DataConfig,
    pixels: PixelContract,
    *,
    images: ImageSet | None = None,
    progress: Callable[[str, int, int], None] = lambda _what, _done, _of: None,
) -> TrainData:
    """Read, check, split and decode a data set; what was decoded before is taken from the cache.

    `images` is what the task opened, where it did already; `progress` hears "reading" and "decoding", how many of how
    many. What may be shared out is decoded first: pictures that are nearly the same stay on one side of every split.
    """
    images = images or open_images(config)
    cache = cache_folder(config.cache)
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = cache / f"seen-{hashlib.sha256(os.fsencode(os.path.abspath(images.root))).hexdigest()[:16]}.npz"  # noqa: PTH100
    digests, errors = content_digests(images, memory, threads, lambda *done: progress("reading", *done))
    _stop_if_bad(config, images, errors)
    stores = {exact: Store(cache, pixels, exact=exact) for exact in (False, True)} if not _ready(images, pixels) else {}

    def fill_with(images: ImageSet, *members: str) -> None:
        for exact, store in stores.items():
            wanted = [name for name in members if (name in _EXACT) == exact]
            rows = [i for i in np.flatnonzero(np.isin(images.splits, wanted)).tolist() if i not in errors]
            done = functools.partial(progress, "decoding")
            errors.update(fill(store, images, rows, digests, threads=threads, progress=done))

    given = images.splits
    free = np.isin(given, ["", "train", *(["val"] if config.splits.folds else [])])  # what a split may be made of
    images = replace(images, splits=np.where(free, "train", given))
    fill_with(images, "train")
    known = None if stores else _facts(images, digests, stores, range(len(images)))
    _stop_if_bad(config, images, errors)
    groups = _groups(images, config)
    if not _settled(given, config.splits):
        rows = [i for i in np.flatnonzero(free).tolist() if i not in errors]
        thumbs = _facts(images, digests, stores, rows)["thumb"] if known is None else known["thumb"][rows]
        groups = _together(images, groups, digests, thumbs, rows)
    images = replace(images, splits=assign(replace(images, splits=given), config.splits, groups))
    fill_with(images, "val", "test")
    prune(cache, [store.folder for store in stores.values()])
    _stop_if_bad(config, images, errors)
    kept = np.array([i for i in range(len(images)) if i not in errors], np.intp)
    images, digests = images.select(kept), [digests[i] for i in kept]
    if not (images.splits == "train").any():
        raise DataError(f"{config.path}: has no readable image to train on")
    facts = _facts(images, digests, stores, range(len(images))) if known is None else known[kept]
    found = check(images, digests, facts, pixels, list(errors.values()))
    parts = {
        name: _part(images, name, digests, facts, stores, pixels, config.ram_limit) for name in ("train", "val", "test")
    }
    return TrainData(
        images.classes,
        pixels,
        parts["train"],
        parts["val"],
        parts["test"] if len(parts["test"]) else None,
        found,
        _fingerprint(images, digests),
        replace(images, groups=images.names if groups is None else [groups[i] for i in kept]),
    )


def _settled(given: NDArray[np.str_], splits: SplitConfig) -> bool:
    """Whether the data itself says all that a split is asked for."""
    there = set(given.tolist())
    return not splits.folds and (not splits.val or "val" in there) and (not splits.test or "test" in there)


def _together(
    images: ImageSet,
    groups: Sequence[str] | None,
    digests: Sequence[bytes],
    thumbs: NDArray[np.uint8],
    rows: Sequence[int],
) -> Sequence[str] | None:
    """The groups with pictures joined that are (nearly) the same one; None where every picture stands for itself."""
    first: dict[bytes, int] = {}
    pairs = [(first.setdefault(digests[i], i), i) for i in rows]
    pairs += [(rows[a], rows[b]) for a, b in alike(thumbs)]
    pairs = [(a, b) for a, b in pairs if a != b]
    return joined(images.names, groups, pairs) if pairs else groups


def _groups(images: ImageSet, config: DataConfig) -> Sequence[str] | None:
    """What a person says stays together, else what the data itself says: frames of one video."""
    if config.groups is not None:
        return groups_from_file(images.names, config.groups)
    return groups_from_pattern(images.names, config.group) if config.group is not None else images.groups


def _stop_if_bad(config: DataConfig, images: ImageSet, errors: dict[int, str]) -> None:
    max_bad = config.max_bad
    few = min(_FEW_BAD, len(images) // 4) if max_bad else 0
    if len(errors) > max(max_bad * len(images), few):
        first = errors[min(errors)]
        raise DataError(
            f"{config.path}: {len(errors)} of {len(images)} images ({len(errors) / len(images):.1%}) cannot be read,"
            f" more than --max-bad {max_bad:.1%}; the first: {first}"
        )


def _ready(images: ImageSet, pixels: PixelContract) -> bool:
    """Whether the set holds its pictures as arrays in the network's very size and colour."""
    stored = images.stored
    if stored is None or stored.shape[1:3] != (pixels.height, pixels.width):
        return False
    return pixels.color == ("gray" if stored.ndim == 3 else "rgb")


def _facts(
    images: ImageSet, digests: Sequence[bytes], stores: dict[bool, Store], rows: Sequence[int]
) -> NDArray[np.void]:
    """What is known of some rows' images."""
    facts = np.zeros(len(rows), FACTS)
    for at, i in enumerate(rows):
        if stores:
            store = stores[str(images.splits[i]) in _EXACT]
            facts[at] = store.facts[store.rows[digests[i]]]
        else:
            image = images.image(i)
            missing = 0.0 if images.masks is None else float(images.masks[i].mean())
            facts[at] = facts_of(image, image.shape, missing)
    return facts


def _part(
    images: ImageSet,
    name: str,
    digests: Sequence[bytes],
    facts: NDArray[np.void],
    stores: dict[bool, Store],
    pixels: PixelContract,
    ram_limit: int | None,
) -> Part:
    rows = np.flatnonzero(images.splits == name)
    members = images.select(rows)
    held = len(images) * pixels.height * pixels.width * pixels.channels
    resident = None if ram_limit is None or held <= ram_limit else ram_limit // 8  # three parts, and all else
    if not stores:
        assert members.stored is not None
        assert members.rows is not None
        stored = members.stored if members.stored.ndim == 4 else members.stored[..., None]
        pictures = StoredPictures(
            stored, members.rows, mapped=getattr(members.stored, "_mmap", None), resident=resident
        )
    else:
        store = stores[name != "train"]
        places = np.array([store.rows[digests[i]] for i in rows.tolist()], np.intp)
        pictures = StoredPictures.in_file(store.file, store.shape, places, resident=resident)
    return Part(pictures, members.labels.astype(np.int64), members, facts["missing"][rows])


def _fingerprint(images: ImageSet, digests: Sequence[bytes]) -> str:
    pairs = sorted(digest + images.told_of(i) for i, digest in enumerate(digests))
    return hashlib.sha256(b"".join(pairs)).hexdigest()[:16]
