"""Where a YOLO set's pictures lie: as its data.yaml says, in `images/` beside `labels/`, or each beside its text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..images.read import SUFFIXES
from .contents import is_left_behind, listed
from .listing import first_line, is_regular, read_text, walked
from .splits import split_called
from .yolo_yaml import YoloYaml

__all__ = ["LISTS", "label_of", "lies_in", "of_folders", "of_yaml"]

LISTS = ("names.txt", "classes.txt", "obj.names", "labels.txt")  # of class names, in any case
_PHOTOS = ("images", "Images", "IMAGES")
_LABELS = ("labels", "Labels", "LABELS")
_TEXTS = (".txt", ".TXT")
_TEXT_FILES = "*.[tT][xX][tT]"

_Pictures = dict[str, str]  # a picture's path and its split


def of_yaml(file: Path, said: YoloYaml) -> tuple[_Pictures, list[str]]:
    """The pictures of the splits that a data.yaml names, and a line for every place that is not there."""
    found: _Pictures = {}
    missing: list[str] = []
    base = _resolved(said.path, [file.parent]) if said.path else None
    bases = [base, file.parent] if base is not None else [file.parent]
    for split, places in said.places.items():
        for place in places:
            where = _resolved(place, bases)
            if where is None:
                missing.append(f"{file.name}: {split}: {place} is not there")
            elif where.is_dir():
                found |= {picture: split for picture in listed(str(where)).images if picture not in found}
            else:
                found |= {picture: split for picture in _of_list(where, bases) if picture not in found}
    return found, missing


def of_folders(root: Path) -> tuple[_Pictures, list[Path]]:
    """Every picture that lies where labels may be, with its split by list or folder; and the texts without one."""
    found: _Pictures = {}
    texts: list[Path] = []
    for photos, labels in _pairs(root):
        if labels is None:
            own = {file.stem: file for file in photos.iterdir() if file.suffix.lower() in SUFFIXES}
            beside = [own[text.stem] for text in _texts_in(photos.iterdir()) if text.stem in own]
            found |= {str(file): "" for file in sorted(beside)}
        else:
            pictures = listed(str(photos)).images
            found |= {file: split_called(Path(file).relative_to(root).parts[:-1]) for file in pictures}
            texts += [text for text in _texts_in(labels.rglob(_TEXT_FILES)) if is_regular(text)]
    known = {str(label_of(Path(picture))) for picture in found}
    for file in sorted(root.glob(_TEXT_FILES)):
        if split := split_called([file.stem]):
            found |= {picture: split for picture in _of_list(file, [root]) if picture in found}
    return found, [text for text in texts if str(text) not in known]


def lies_in(root: Path) -> bool:
    """Whether a folder holds pictures with labels as YOLO has them."""
    return any(labels is None or any(labels.rglob(_TEXT_FILES)) for _, labels in _pairs(root))


def label_of(picture: Path) -> Path:
    """The text that tells of a picture: under `labels` for the last `images` in its path, else beside it."""
    return next(filter(is_regular, _texts_of(picture)), next(_texts_of(picture)))


def _texts_of(picture: Path) -> Iterator[Path]:
    """Where the text of a picture may lie, the likeliest place first."""
    parts = picture.parts
    for at in (n for n in range(len(parts) - 1, -1, -1) if parts[n] in _PHOTOS):  # the set may lie in one itself
        for labels in _LABELS:
            for ending in _TEXTS:
                yield Path(*parts[:at], labels, *parts[at + 1 :]).with_suffix(ending)
    for ending in _TEXTS:
        yield picture.with_suffix(ending)


def _pairs(root: Path) -> Iterator[tuple[Path, Path | None]]:
    """Folders of pictures, each with that of its labels, or None where texts lie among the pictures."""
    for where, folders, files in walked(root):
        folders[:] = sorted(name for name in folders if not is_left_behind(name))
        photos, labels = (next((name for name in names if name in folders), None) for names in (_PHOTOS, _LABELS))
        if photos and labels:
            yield Path(where, photos), Path(where, labels)
            folders[:] = [name for name in folders if name not in (photos, labels)]
            continue
        stems = {Path(name).stem for name in files if Path(name).suffix.lower() in SUFFIXES}
        texts = [n for n in files if n.endswith(_TEXTS) and n.lower() not in LISTS and not is_left_behind(n)]
        beside = next((name for name in texts if name[:-4] in stems), None)
        if beside is not None and _tells_boxes(Path(where, beside)):
            yield Path(where), None


def _tells_boxes(text: Path) -> bool:
    """Whether a text's first line is a class and numbers, or there is none."""
    if not is_regular(text):
        return False
    words = first_line(text).split()
    try:
        return not words or (len(words) >= 5 and float(words[0]).is_integer() and 0 <= float(words[1]) <= 1)
    except ValueError:
        return False


def _texts_in(files: Iterator[Path]) -> list[Path]:
    return sorted(
        file
        for file in files
        if file.suffix in _TEXTS and file.name.lower() not in LISTS and not is_left_behind(file.name)
    )


def _of_list(file: Path, bases: list[Path]) -> list[str]:
    """The pictures that a list names and that are there."""
    lines = [line.strip() for line in read_text(file).splitlines() if line.strip()]
    places = [_resolved(line, [file.parent, *bases]) for line in lines]
    return [str(place) for place in places if place is not None and place.suffix.lower() in SUFFIXES]


def _resolved(place: str, bases: list[Path]) -> Path | None:
    """A path from one of some folders; of one from elsewhere (`../`, another machine's) the part that is there."""
    parts = [part for part in place.replace("\\", "/").split("/") if part not in ("", ".")]
    for base in bases:
        whole = Path(os.path.normpath(base / place.replace("\\", "/")))
        if os.path.exists(whole):  # noqa: PTH110 (of a text that no file can be called by, it says no)
            return whole
    inside = [part for part in parts if part != ".."]
    tails = [Path(*inside[at:]) for at in range(len(inside))]
    ways = (base / tail for tail in tails for base in bases)
    return next((way for way in ways if os.path.exists(way)), None)  # noqa: PTH110
