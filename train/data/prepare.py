"""From what a person points at to pictures that can be trained on: read, check, split, decode once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError
from edgelens.runtime.preprocess import PixelContract

from .check import DataCheck, check
from .digests import content_digests
from .facts import FACTS, facts_of
from .folder import cache_folder
from .groups import groups_from_file, groups_from_pattern
from .named import open_data
from .pictures import StoredPictures
from .prune import prune
from .splits import SplitConfig, assign
from .store import Store, fill

__all__ = ["DataConfig", "Part", "TrainData", "groups_of", "open_images", "prepare"]


@dataclass(frozen=True)
class DataConfig:
    """Where the data is and how it is shared out."""

    path: str
    format: str | None = None
    data_dir: str | None = None  # where the files of named sets are
    splits: SplitConfig = field(default_factory=SplitConfig)
    group: str | None = None  # a regular expression on the path
    groups: str | None = None  # a CSV of path,group
    max_bad: float = 0.01  # share of images that may be unreadable
    ram_limit: int | None = None  # bytes; pictures past it stay on disk and are mapped a part at a time
    cache: str | None = None  # where decoded pictures are kept; the user's cache folder unless said


@dataclass(frozen=True)
class Part:
    """One split: its pictures, its labels, and the rows of the data set that they were made from."""

    pictures: StoredPictures  # (N, H, W, C) uint8
    labels: NDArray[np.int64]  # (N,)
    images: ImageSet
    missing: NDArray[np.float32] | None = None  # (N,) share of each picture that was missing and has been filled

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class TrainData:
    """A data set ready to train on; validation and test pictures are exactly what `evaluate` would make."""

    classes: tuple[str, ...]
    pixels: PixelContract
    train: Part
    val: Part
    test: Part | None
    check: DataCheck
    fingerprint: str  # of the images' content and labels, whatever their order and names
    images: ImageSet  # every readable image, with the split it was given

    @property
    def names(self) -> list[str]:
        """Every image's name, in the order of `splits`."""
        return list(self.images.names)

    @property
    def splits(self) -> NDArray[np.str_]:
        """Every image's split."""
        return self.images.splits


def open_images(config: DataConfig) -> ImageSet:
    """The data set as it is, before splits, whatever is to be learnt from it."""
    return open_data(config.path, format=config.format, data_dir=config.data_dir)


def prepare(
    config: DataConfig,
    pixels: PixelContract,
    *,
    images: ImageSet | None = None,
    progress: Callable[[str, int], None] = lambda _what, _done: None,
) -> TrainData:
    """Read, check, split and decode a data set; what was decoded before is taken from the cache.

    `images` is what the task opened, where it did already; `progress` hears "read" and "decode" with counts.
    """
    images = images or open_images(config)
    cache = cache_folder(config.cache)
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    images = replace(images, splits=assign(images, config.splits, groups_of(images, config)))
    memory = cache / f"seen-{hashlib.sha256(os.fsencode(os.path.abspath(images.root))).hexdigest()[:16]}.npz"  # noqa: PTH100
    digests, errors = content_digests(images, memory, threads, lambda done: progress("read", done))
    _stop_if_bad(config, images, errors)
    stores: dict[bool, Store] = {}
    if not _ready(images, pixels):
        for exact, members in ((False, ("train",)), (True, ("val", "test"))):
            stores[exact] = Store(cache, pixels, exact=exact)
            rows = [i for i in np.flatnonzero(np.isin(images.splits, members)).tolist() if i not in errors]
            errors |= fill(
                stores[exact], images, rows, digests, threads=threads, progress=lambda done: progress("decode", done)
            )
    prune(cache, [store.folder for store in stores.values()])
    _stop_if_bad(config, images, errors)
    kept = np.array([i for i in range(len(images)) if i not in errors], np.intp)
    images, digests = images.select(kept), [digests[i] for i in kept]
    if not (images.splits == "train").any():
        raise DataError(f"{config.path}: has no readable image to train on")
    facts = _facts(images, digests, stores)
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
        images,
    )


def groups_of(images: ImageSet, config: DataConfig) -> Sequence[str] | None:
    """A name for each image, equal where images must stay on one side of a split; None where each stands alone."""
    if config.groups is not None:
        return groups_from_file(images.names, config.groups)
    return groups_from_pattern(images.names, config.group) if config.group is not None else None


def _stop_if_bad(config: DataConfig, images: ImageSet, errors: dict[int, str]) -> None:
    max_bad = config.max_bad
    if len(errors) > max_bad * len(images):
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


def _facts(images: ImageSet, digests: Sequence[bytes], stores: dict[bool, Store]) -> NDArray[np.void]:
    if not stores:
        facts = np.zeros(len(images), FACTS)
        for i in range(len(images)):
            image = images.image(i)
            facts[i] = facts_of(image, image.shape, 0.0 if images.masks is None else float(images.masks[i].mean()))
        return facts
    by_split = {"train": stores[False], "val": stores[True], "test": stores[True]}
    facts = np.zeros(len(images), FACTS)
    for i, (digest, split) in enumerate(zip(digests, images.splits.tolist(), strict=True)):
        store = by_split[split]
        facts[i] = store.facts[store.rows[digest]]
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
    pairs = sorted(
        digest + images.classes[label].encode("utf-8", "surrogateescape")
        for digest, label in zip(digests, images.labels.tolist(), strict=True)
    )
    return hashlib.sha256(b"".join(pairs)).hexdigest()[:16]
