"""Image files: one, a folder with everything below it, or a glob."""

from __future__ import annotations

import glob
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import ImageError, SourceError
from ..frame import Frame
from ..images.animated import animation_of
from ..images.read import SUFFIXES, read_image

__all__ = ["ImageFiles", "natural_order"]


class ImageFiles:
    """Every image in order; what is no image is passed over and counted, what is broken is told and counted."""

    live = False

    def __init__(self, path: str, *, name: str | None = None, complain: Callable[[str], None] = lambda _: None) -> None:
        self.name, self.path, self._complain = name or path, path, complain
        self.passed_over = 0  # files that are no images by their name
        self.broken: list[str] = []  # one line a file
        self._files: Iterator[str] = iter(())
        self._one = False  # a single file was asked for: an error, if it is broken
        self._index = 0

    def read(self) -> Frame | None:
        """The next image that can be decoded, None after the last."""
        for path in self._files:
            begun = time.monotonic()
            try:
                image = read_image(path)
            except ImageError as error:
                self.broken.append(str(error))
                if not self._one:
                    self._complain(str(error))
                continue
            if not self._one and animation_of(Path(path)) is not None:
                self._complain(f"{path}: moves; its first picture is looked at: for all of them name it alone")
            frame = Frame(image, self._index, begun, time.time(), self.name, path)
            self._index += 1
            return frame
        if self._one and self.broken:
            raise SourceError(self.broken[0])
        return None

    def interrupt(self) -> None:
        """A read of a file does not wait."""

    def __enter__(self) -> ImageFiles:
        files = list(_files(self.path))
        self._one = Path(self.path).is_file()
        images = files if self._one else [path for path in files if Path(path).suffix.lower() in SUFFIXES]
        self.passed_over, self.broken, self._index = len(files) - len(images), [], 0
        if not images:
            raise SourceError(f"{self.path}: no images there")
        self._files = iter(images)
        return self

    def __exit__(self, *exc: object) -> None:
        self._files = iter(())


def natural_order(path: str) -> list[tuple[int, str]]:
    """A sort key under which img2 comes before img10."""
    parts = re.split(r"([0-9]+)", path)  # what stands at odd places are digits; there are others, such as ² and ①
    return [(int(part), "") if at % 2 else (-1, part) for at, part in enumerate(parts)]


def _files(path: str) -> Iterator[str]:
    if Path(path).is_file():
        yield path
    elif Path(path).is_dir():
        for folder, inner, names in os.walk(path):
            inner[:] = sorted((name for name in inner if not name.startswith(".")), key=natural_order)
            yield from (str(Path(folder, name)) for name in sorted(names, key=natural_order) if name[0] != ".")
    else:
        yield from sorted(filter(os.path.isfile, glob.iglob(path, recursive=True)), key=natural_order)  # noqa: PTH207 (a pattern may be absolute)
