"""What a classifier learns from: images of at least two classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError

from ...data.config import DataConfig
from ...data.prepare import open_images

__all__ = ["open_classes"]


def open_classes(config: DataConfig) -> ImageSet:
    """The data set as it is, before splits; one class alone is refused."""
    images = open_images(config)
    there = np.unique(images.labels)
    if len(there) < 2:
        only = images.classes[there[0]] if len(there) else "none"
        raise DataError(
            f"{config.path}: has one class ({only}); the task classify needs images of at least two: "
            + _where_classes_are(images, only)
        )
    return images


def _where_classes_are(images: ImageSet, only: str) -> str:
    """What to do about a set of one class: most often the classes are one folder deeper, or in a CSV beside it."""
    root = Path(images.root)
    tables = sorted(root.glob("*.csv")) if images.format == "folders" else []
    deeper = sorted({Path(name).parts[1] for name in images.names if len(Path(name).parts) > 2})
    if tables:
        return f"if {tables[0].name} says what they show, give {tables[0]}"
    if images.format == "folders" and len(deeper) > 1:
        return f"if {', '.join(deeper[:3])} are the classes or splits, give {root / only}"
    return "add a class of other things, or of nothing"
