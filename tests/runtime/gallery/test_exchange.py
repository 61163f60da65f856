"""Galleries from elsewhere are believed in nothing: what does not hold is passed over, counted and said in a line."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.errors import EdgelensError
from edgelens.runtime.gallery.exchange import export_gallery, export_photos, import_gallery
from edgelens.runtime.gallery.exemplar import Exemplar
from edgelens.runtime.gallery.file import GalleryFile
from edgelens.runtime.gallery.gallery import Gallery
from edgelens.runtime.gallery.places import gallery_path
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


def test_an_import_holds_no_more_pictures_in_memory_than_it_writes_at_once(gallery: Gallery, tmp_path: Path) -> None:
    many = Gallery(tmp_path / "many" / "x.gallery", SPACE)
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    picture = bytes(cv2.imencode(".jpg", noise)[1])
    apart = np.linalg.qr(np.random.default_rng(0).normal(size=(WIDTH, WIDTH)))[0].astype(np.float32)
    many.append(Exemplar("alice", apart[i % WIDTH] * (1 + i), picture, 1.0) for i in range(300))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgelens.runtime.gallery.exchange._BYTES_AT_ONCE", 1 << 20)
        tracemalloc.start()
        brought = import_gallery(gallery, many.path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert brought.added == 300 and peak < 8 * 2**20 < 200 * len(picture)


def test_a_thumbnail_that_carries_much_behind_it_is_left_out(gallery: Gallery, tmp_path: Path) -> None:
    theirs = GalleryFile(tmp_path / "theirs.gallery")
    theirs.append(SPACE.name, [Exemplar("bob", face(2), jpeg() + bytes(500_000))])
    assert import_gallery(gallery, theirs.path).added == 1
    assert next(gallery.exemplars("bob")).picture == b""


def test_where_to_export_is_for_people_to_say(gallery: Gallery, tmp_path: Path) -> None:
    (tmp_path / "everybodys").mkdir()
    (tmp_path / "everybodys").chmod(0o1777)
    out = tmp_path / "everybodys" / "out.gallery"
    assert export_gallery(gallery, out) == 3
    assert out.stat().st_mode & 0o077 == 0, "faces are for nobody else to read"
    assert [path.name for path in out.parent.iterdir()] == ["out.gallery"]


def test_a_bundle_cannot_say_where_it_is_kept_what_it_was_taught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    names = ["../../up", "/etc/x", "..", "a/b", "s" * 64, "é", "", "x\0y"]
    paths = [gallery_path(name) for name in names]
    assert all(path.parent == tmp_path / "galleries" for path in paths)
    assert len(set(paths)) == len(names)
    assert gallery_path("s" * 64).name == f"{'s' * 40}.gallery"


def test_names_that_are_asked_for_are_all_there_in_any_spelling(gallery: Gallery, tmp_path: Path) -> None:
    gallery.teach("caf\u00e9", face(2)[None], pictures=[jpeg()])
    out = tmp_path / "out.gallery"
    assert export_gallery(gallery, out, names=("cafe\u0301",)) == 1
    assert export_photos(gallery, tmp_path / "photos", names=("cafe\u0301",)) == 1
    for write in (export_gallery, export_photos):
        with pytest.raises(EdgelensError, match="bob: no such name; there are alice, caf\u00e9"):
            write(gallery, tmp_path / "more", names=("alice", "bob"))
    assert not (tmp_path / "more").exists()


def test_the_verb_forgets_nothing_where_a_name_is_wrong(gallery: Gallery) -> None:
    kept = ["--gallery", str(gallery.path)]
    done = CliRunner().invoke(cli, ["gallery", "remove", "alice", "nobody", *kept])
    assert "nobody: no such name" in str(done.exception)
    assert [named.name for named in gallery.names] == ["alice"]
    done = CliRunner().invoke(cli, ["gallery", "export", "out", "--photos", "--no-photos", *kept])
    assert "--photos and --no-photos: say one of them" in str(done.exception)
