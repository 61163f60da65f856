"""Galleries that travel: one file out, another one's names in, and pictures as folders that `train` takes.

What comes in was made elsewhere and is believed in nothing: what does not hold is passed over, counted and said.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import DataError, UsageError
from ..host.files import write_bytes
from ..images.headers import read_header
from .exemplar import Exemplar, checked_name, new_lesson
from .file import GalleryFile
from .gallery import Gallery

__all__ = ["Brought", "export_gallery", "export_photos", "import_gallery"]

_MOST = 200_000  # exemplars that an import may bring
_BYTES_AT_ONCE = 16 << 20
_LONGEST, _LARGEST = 512, 128 << 10  # pixels of a thumbnail's side, and bytes of all of it
_COMES, _KNOWN, _UNSOUND, _CONTRADICTS = range(4)


@dataclass(frozen=True)
class Brought:
    """What an import did."""

    added: int = 0
    there_already: int = 0
    unsound: int = 0  # names that nobody should have, features that compare with nothing, damage
    contradicting: int = 0  # pictures of somebody who is known here under another name
    lesson: str = ""
    torn: bool = False  # whether the file ends within a picture

    def said(self) -> str:
        """One line for people."""
        parts = [f"{self.added} pictures came in" if self.added != 1 else "1 picture came in"]
        parts += [f"{self.there_already} were there already"] if self.there_already else []
        parts += [f"{self.unsound} were unsound and passed over"] if self.unsound else []
        parts += [f"{self.contradicting} show who has another name here: passed over"] if self.contradicting else []
        parts += ["the file is cut short: bring it here again"] if self.torn else []
        return ", ".join(parts)


def import_gallery(gallery: Gallery, path: Path) -> Brought:
    """Bring another gallery's names in, as one lesson that can be taken back."""
    theirs, lesson = GalleryFile(path), new_lesson()
    theirs.check_space(gallery.space.name, gallery.space.width)
    scanned = theirs.scan(lambda _: None)
    verdicts = _verdicts(gallery, theirs)
    counts = Counter(verdicts)
    waiting, size = list[Exemplar](), 0
    for verdict, exemplar in zip(verdicts, theirs.exemplars(), strict=False):
        sound = _sound(exemplar) if verdict == _COMES else None
        if sound is not None:
            waiting.append(replace(sound, lesson=lesson))
            size += len(sound.picture) + sound.vector.nbytes
        if size > _BYTES_AT_ONCE:
            gallery.append(waiting)
            waiting, size = [], 0
    if waiting:
        gallery.append(waiting)
    unsound = counts[_UNSOUND] + scanned.damaged
    return Brought(counts[_COMES], counts[_KNOWN], unsound, counts[_CONTRADICTS], lesson, torn=scanned.torn)


def _verdicts(gallery: Gallery, theirs: GalleryFile) -> bytearray:
    """What becomes of each of their exemplars, as things stand before the import; no picture is kept in memory."""
    known = {_digest(exemplar) for exemplar in gallery.exemplars()}
    contradicts, verdicts = _Contradiction(gallery), bytearray()
    for exemplar in theirs.exemplars():
        if len(verdicts) >= _MOST:
            raise DataError(f"{theirs.path}: brings more than {_MOST:,} pictures: export fewer names")
        sound = _sound(exemplar)
        if sound is None:
            verdicts.append(_UNSOUND)
        elif _digest(sound) in known:
            verdicts.append(_KNOWN)
        else:
            verdicts.append(_CONTRADICTS if contradicts(sound) else _COMES)
    return verdicts


def _digest(exemplar: Exemplar) -> bytes:
    """Equal for a name's equal features."""
    return hashlib.blake2b(f"{exemplar.name}\n".encode() + exemplar.vector.tobytes(), digest_size=16).digest()


def export_gallery(gallery: Gallery, path: Path, *, names: tuple[str, ...] = (), photos: bool = True) -> int:
    """Write a gallery's exemplars, or some names', as a gallery of their own; how many those were."""
    names = gallery.known(names)
    count = sum(named.exemplars for named in gallery.names if not names or named.name in names)
    if not count:
        raise UsageError(f"{gallery.path}: holds nothing yet")
    if path.exists():
        raise UsageError(f"{path}: is there already")
    chosen = (e for e in gallery.exemplars() if not names or e.name in names)
    out = (e if photos else replace(e, picture=b"") for e in chosen)
    GalleryFile(path).carry_out(gallery.space.name, gallery.space.width, out)
    return count


def export_photos(gallery: Gallery, folder: Path, *, names: tuple[str, ...] = ()) -> int:
    """Write every picture that is kept, or some names', into class folders that `train` takes; how many there were."""
    count, names = 0, gallery.known(names)
    for exemplar in gallery.exemplars():
        if not exemplar.picture or (names and exemplar.name not in names):
            continue
        own = folder / checked_name(exemplar.name)
        try:
            own.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{own}: cannot be made ({error.strerror or error})") from None
        count += 1
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(exemplar.when))
        write_bytes(own / f"{stamp}-{count:06d}.jpg", exemplar.picture)
    if not count:
        raise UsageError(f"{gallery.path}: keeps no pictures")
    return count


class _Contradiction:
    """Whether a picture is of somebody who has another name here, as things stood before the import."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._there = bool(gallery.names)

    def __call__(self, exemplar: Exemplar) -> bool:
        found = self._gallery.match(exemplar.vector) if self._there else None
        return found is not None and found.known and found.name != exemplar.name


def _sound(exemplar: Exemplar) -> Exemplar | None:
    """The exemplar as it may come in; None where it may not."""
    if not np.isfinite(exemplar.vector).all() or not np.abs(exemplar.vector).max():
        return None
    picture = exemplar.picture if _is_thumbnail(exemplar.picture) else b""
    return replace(exemplar, picture=picture, source=exemplar.source[:200])


def _is_thumbnail(data: bytes) -> bool:
    """Whether it is a small JPEG, by what it says of itself; nothing is decoded."""
    header = read_header(data) if 0 < len(data) <= _LARGEST else None
    return header is not None and header.kind == "jpeg" and max(header.width, header.height) <= _LONGEST
