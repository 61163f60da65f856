"""Data sets by name: `mnist`, `fashion-mnist`, `cifar10`."""

from __future__ import annotations

from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.datasets.imageset import ImageSet

__all__ = ["open_data"]


def open_data(data: str, *, format: str | None = None, data_dir: str | None = None) -> ImageSet:  # noqa: A002, ARG001
    """The set that a DATA argument names: a path, or a named set from `data_dir`."""
    return load_images(data, format=format)
