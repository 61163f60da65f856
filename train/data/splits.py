"""Which image trains, validates or tests: stratified by class, whole groups on one side, the same for the same seed.

Images (or groups) are ranked by a hash of the seed and their name, so a folder that grows keeps most of its split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError, UsageError

__all__ = ["SplitConfig", "assign", "folds"]


@dataclass(frozen=True)
class SplitConfig:
    """How images without a split of their own are shared out."""

    val: float = 0.15  # share of the training images
    test: float = 0.0  # share set aside where the data has no test split of its own
    seed: int = 0
    folds: int = 0  # cross-validation: the training images in so many parts …
    fold: int = 0  # … of which this one validates

    def __post_init__(self) -> None:
        if self.val < 0 or self.test < 0 or self.val + self.test >= 1:
            raise UsageError(
                f"validation {self.val} and test {self.test}: shares from 0 that leave something to train on"
            )
        if self.folds == 1 or self.folds < 0 or not 0 <= self.fold < max(self.folds, 1):
            raise UsageError(f"fold {self.fold} of {self.folds}: at least 2 folds, counted from 0")


def assign(images: ImageSet, config: SplitConfig, groups: Sequence[str] | None = None) -> NDArray[np.str_]:
    """Each image's split, "train", "val" or "test"; the data's own splits stay, missing ones are taken from train."""
    splits = np.array(images.splits, "<U5")
    splits[splits == ""] = "train"
    if not (splits == "train").any():
        there = ", ".join(sorted(set(splits.tolist())))
        raise DataError(f"{images.root}: has only {there} images and nothing to train on")
    names = list(images.names) if groups is None else list(groups)
    if config.folds:
        splits[splits == "val"] = "train"
        rows = np.flatnonzero(splits == "train")
        fold = folds(images.labels[rows], [names[i] for i in rows], config.folds, config.seed)
        splits[rows[fold == config.fold]] = "val"
        return splits
    for name, share in (("test", config.test), ("val", config.val)):
        rows = np.flatnonzero(splits == "train")
        if share and not (splits == name).any():
            taken = _take(images.labels[rows], [names[i] for i in rows], share, config.seed, name)
            splits[rows[taken]] = name
    return splits


def folds(labels: NDArray[np.int32], groups: Sequence[str], count: int, seed: int) -> NDArray[np.intp]:
    """A fold for every image: each class spread evenly, a group in one fold (images of their own are groups of one)."""
    index = {name: i for i, name in enumerate(dict.fromkeys(groups))}
    if len(index) < count:
        raise DataError(f"{len(index)} groups of images cannot be shared among {count} folds")
    if len(index) == len(groups):
        return _dealt(labels, groups, count, seed)
    members, counts = _counted(labels, groups, index)
    filled = np.zeros((count, counts.shape[1]))
    fold_of = np.zeros(len(index), np.intp)
    for g in _largest_first(list(index), counts, seed, "fold"):
        # the fold that is emptiest in this group's classes, then altogether: large groups first, small ones even out
        share = filled / np.maximum(counts.sum(axis=0), 1)
        cost = (share * (counts[g] > 0)).sum(axis=1) + 1e-6 * filled.sum(axis=1)
        fold_of[g] = int(np.argmin(cost))
        filled[fold_of[g]] += counts[g]
    return fold_of[members]


def _take(labels: NDArray[np.int32], groups: Sequence[str], share: float, seed: int, salt: str) -> NDArray[np.bool_]:
    """A share of every class, in whole groups; some of every class stays."""
    index = {name: i for i, name in enumerate(dict.fromkeys(groups))}
    if len(index) == len(groups):
        return _ranked(labels, groups, share, seed, salt)
    members, counts = _counted(labels, groups, index)
    if ((counts > 0).sum(axis=0) <= 1).all() and ((counts > 0).sum(axis=1) <= 1).all():
        counts = counts.sum(axis=1, keepdims=True)  # a group is all of its class: whole classes go to one side
    total = counts.sum(axis=0)
    missing = total * share  # images of every class still to be taken
    left = total.copy()  # for training
    taken = np.zeros(len(index), bool)
    for g in _largest_first(list(index), counts, seed, salt):
        nearer = np.abs(missing - counts[g]).sum() < np.abs(missing).sum()
        if nearer and ((left - counts[g])[total > 0] > 0).all():
            taken[g] = True
            missing, left = missing - counts[g], left - counts[g]
    return taken[members]


def _ranked(labels: NDArray[np.int32], names: Sequence[str], share: float, seed: int, salt: str) -> NDArray[np.bool_]:
    """The first images of every class in drawn order; a class of three or more gives at least one, and keeps one."""
    taken = np.zeros(len(labels), bool)
    drawn = np.array([_drawn(name, seed, salt) for name in names])
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        count = min(max(round(len(rows) * share), 1), len(rows) - 1) if len(rows) >= 3 else 0
        taken[rows[np.argsort(drawn[rows], kind="stable")][:count]] = True
    return taken


def _dealt(labels: NDArray[np.int32], names: Sequence[str], count: int, seed: int) -> NDArray[np.intp]:
    """Every class dealt out like cards in drawn order; each class begins where the one before stopped."""
    fold = np.zeros(len(labels), np.intp)
    drawn = np.array([_drawn(name, seed, "fold") for name in names])
    start = 0
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        fold[rows[np.argsort(drawn[rows], kind="stable")]] = (start + np.arange(len(rows))) % count
        start += len(rows)
    return fold


def _counted(
    labels: NDArray[np.int32], groups: Sequence[str], index: Mapping[str, int]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Every image's group, and (groups, classes) counts."""
    members = np.array([index[name] for name in groups], np.intp)
    counts = np.zeros((len(index), int(labels.max(initial=0)) + 1))
    np.add.at(counts, (members, labels), 1)
    return members, counts


def _largest_first(keys: Sequence[str], counts: NDArray[np.float64], seed: int, salt: str) -> list[int]:
    """Groups by size, equal ones in an order that the seed draws."""
    return sorted(range(len(keys)), key=lambda g: (-counts[g].sum(), _drawn(keys[g], seed, salt)))


def _drawn(name: str, seed: int, salt: str) -> bytes:
    text = f"{seed}/{salt}/{name}".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(text, digest_size=8).digest()
