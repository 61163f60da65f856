"""What is said of a data set: where it is, how it is shared out, and what it may cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from .splits import SplitConfig

__all__ = ["DataConfig"]


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
