"""Galleries from elsewhere are believed in nothing: what does not hold is passed over, counted and said in a line."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edgelens.runtime.errors import EdgelensError
from edgelens.runtime.gallery.exchange import export_gallery, export_photos, import_gallery
from edgelens.runtime.gallery.exemplar import Exemplar
from edgelens.runtime.gallery.file import GalleryFile
from edgelens.runtime.gallery.gallery import Gallery
from edgelens.runtime.gallery.space import Space

WIDTH = 16
SPACE = Space("s" * 64, WIDTH)


def face(person: int, shot: int = 0) -> np.ndarray:
    center = np.random.default_rng(person).normal(size=WIDTH)
    return (center + 0.2 * np.random.default_rng(100 * person + shot).normal(size=WIDTH)).astype(np.float32)


def jpeg(side: int = 32) -> bytes:
    return bytes(cv2.imencode(".jpg", np.full((side, side, 3), 90, np.uint8))[1])


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    gallery = Gallery(tmp_path / "own" / "x.gallery", SPACE)
    gallery.teach("alice", np.stack([face(1, i) for i in range(3)]), pictures=[jpeg()] * 3)
    return gallery


def test_a_copy_that_was_cut_short_says_so_and_brings_what_is_whole(gallery: Gallery, tmp_path: Path) -> None:
    theirs = GalleryFile(tmp_path / "theirs.gallery")
    theirs.append(SPACE.name, [Exemplar("bob", face(2, i), jpeg()) for i in range(3)])
    assert not import_gallery(Gallery(tmp_path / "other.gallery", SPACE), theirs.path).torn
    theirs.path.write_bytes(theirs.path.read_bytes()[:-20])
    brought = import_gallery(gallery, theirs.path)
    assert (brought.added, brought.unsound, brought.torn) == (2, 0, True)
    assert brought.said() == "2 pictures came in, the file is cut short: bring it here again"
    assert Gallery(theirs.path, SPACE).torn and not gallery.torn


def test_a_poisoned_import_brings_what_is_sound_and_takes_nothing(gallery: Gallery, tmp_path: Path) -> None:
    before = [(e.name, e.vector.tobytes(), e.picture) for e in gallery.exemplars()]
    theirs = GalleryFile(tmp_path / "theirs.gallery")
    nan = np.full(WIDTH, np.nan, np.float32)
    bad = [
        Exemplar("../../etc", face(5)),
        Exemplar("x" * 10_000, face(6)),
        Exemplar("evil\x1b[2J", face(7)),
        Exemplar("hollow", nan),
        Exemplar("nothing", np.zeros(WIDTH, np.float32)),
        Exemplar("late", face(8), when=1e300),
    ]
    good = [Exemplar("bob", face(2, i), jpeg(), 5.0, "cam\x1b[2J") for i in range(3)]
    huge = [Exemplar("carol", face(3), jpeg(2000))]
    stolen = [Exemplar("mallory", face(1, 9))]  # alice's face under another name
    theirs.append(SPACE.name, [*bad, *good, *huge, *stolen])
    brought = import_gallery(gallery, theirs.path)
    assert (brought.added, brought.unsound, brought.contradicting) == (4, 6, 1)
    assert "\n" not in brought.said() and "6 were unsound" in brought.said()
    there = list(gallery.exemplars())
    assert [(e.name, e.vector.tobytes(), e.picture) for e in there[:3]] == before
    assert {e.name for e in there} == {"alice", "bob", "carol"}
    assert next(e for e in there if e.name == "carol").picture == b"" and "\x1b" not in there[3].source
    assert gallery.match(face(1, 7)).name == "alice"
    assert gallery.undo(brought.lesson) == 4, "an import is one lesson"
    assert [n.name for n in gallery.names] == ["alice"]


def test_there_and_back(gallery: Gallery, tmp_path: Path) -> None:
    gallery.teach("bob", np.stack([face(2, i) for i in range(2)]))
    assert export_gallery(gallery, tmp_path / "out.gallery", names=("bob",), photos=False) == 2
    other = Gallery(tmp_path / "other" / "y.gallery", SPACE)
    assert import_gallery(other, tmp_path / "out.gallery").added == 2
    assert other.match(face(2, 5)).name == "bob"
    with pytest.raises(EdgelensError, match="there already"):
        export_gallery(gallery, tmp_path / "out.gallery")
    assert export_photos(gallery, tmp_path / "photos") == 3
    assert [p.name for p in (tmp_path / "photos").iterdir()] == ["alice"]
    with pytest.raises(EdgelensError, match="keeps no pictures"):
        export_photos(gallery, tmp_path / "photos", names=("bob",))


@pytest.mark.parametrize("content", [b"", b"junk" * 100, b"\x89GL\n" + bytes(60)])
def test_what_is_no_gallery_is_refused(gallery: Gallery, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(EdgelensError) as raised:
        import_gallery(gallery, tmp_path / "x")
    assert "\n" not in str(raised.value)
    assert len(gallery.names) == 1
