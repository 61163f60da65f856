"""What is to be labelled: photos of a folder, frames of a video that differ, or a data set whose boxes go on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..datasets.catalog import BOX_FORMATS
from ..datasets.contents import VIDEOS, listed
from ..datasets.imageset import legible
from ..errors import DataError, UsageError
from ..images.read import image_size, read_image_bytes
from .frames import Say, frames_of
from .marks import Box, Marks
from .names import free_name

__all__ = ["Picture", "pictures_of"]


@dataclass(frozen=True)
class Picture:
    """One picture: its name in journal and data set, its file, and what is known of it before anybody looked."""

    name: str  # of one part, with a suffix, no other picture's
    path: Path
    guess: str = ""  # the folder it lies in: the model's guess of an uncertain picture, or the class it was taken of
    given: tuple[Box, ...] = ()  # of a data set; in fractions where `relative`
    relative: bool = False

    def marks(self) -> Marks:
        """What is given of it, and its size."""
        height, width = image_size(read_image_bytes(self.path), str(self.path))
        across, down = (width, height) if self.relative else (1, 1)
        boxes = (replace(b, x=b.x * across, y=b.y * down, w=b.w * across, h=b.h * down) for b in self.given)
        return Marks(width, height, tuple(boxes))


def pictures_of(where: str, frames: Path, *, most: int, differ: float, say: Say) -> tuple[Picture, ...]:
    """The pictures of a folder, a data set with boxes, one file, or a video, whose frames are kept in `frames`."""
    path = Path(where)
    if not path.exists():
        raise UsageError(f"{where}: no such folder, picture or video")
    if path.is_file() and path.suffix.lower() in VIDEOS:
        taken = frames_of(path, frames, most=most, differ=differ, say=say)
        return tuple(Picture(file.name, file) for file in taken)
    known = next((form for form in BOX_FORMATS.values() if form.fits(path)), None)
    if known is None and path.is_file():
        image_size(read_image_bytes(path), where)
        return (Picture(legible(path.name), path),)
    found = _of_data_set(path) if known else _of_folder(path)
    if not found:
        raise DataError(f"{where}: holds no pictures; give a folder of photos, or a video")
    return found


def _of_folder(path: Path) -> tuple[Picture, ...]:
    taken: set[str] = set()
    found = []
    for file in map(Path, listed(str(path)).images):
        inside = file.relative_to(path)
        guess = legible(inside.parts[-2]) if len(inside.parts) > 1 else ""
        found.append(Picture(_name(inside, taken), file, guess))
    return tuple(found)


def _of_data_set(path: Path) -> tuple[Picture, ...]:
    """A data set's pictures with the boxes that it has: they are looked through and put right."""
    from ..datasets.catalog import load_boxes

    data, taken, found = load_boxes(path), set[str](), []
    for name, boxes in zip(data.names, data.boxes, strict=True):
        given = tuple(
            Box(data.classes[label], x, y, w, h, crowd)
            for label, (x, y, w, h), crowd in zip(
                boxes.labels.tolist(), boxes.boxes.tolist(), boxes.crowd.tolist(), strict=True
            )
        )
        file = Path(data.root) / name
        found.append(Picture(_name(Path(file.name), taken), file, given=given, relative=boxes.relative))
    return tuple(found)


def _name(inside: Path, taken: set[str]) -> str:
    """A name of one part, which can be written into any file."""
    return free_name(legible("-".join((*inside.parts[:-1], inside.stem))), legible(inside.suffix), taken)
