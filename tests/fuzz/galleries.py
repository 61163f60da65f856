"""Gallery files of every odd kind, opened, listed, looked through, brought in and carried out again."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgelens.runtime.gallery.exchange import export_gallery, export_photos, import_gallery
from edgelens.runtime.gallery.gallery import Gallery, opened_alone
from edgelens.runtime.gallery.places import galleries_folder, gallery_path
from edgelens.runtime.gallery.record import EXEMPLAR, HEAD, MAGIC
from edgelens.runtime.gallery.space import Space

from .fuzzer import Attempt, Fuzzer
from .mutate import mutated

__all__ = ["FUZZER"]

WIDTH = 8
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 10**400, 1e308, float("nan"), float("inf"), "", "x", "../up", "/etc/passwd", ".", "-rf",
    "a\0b", "\x1b[2J", "\u202e", "\ud800", "e\u0301", "é" * 3000, [], {}, [0] * 1000, [[1, 0]], [10**30, 0], "ann",
)  # fmt: skip


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Attempt]:
    """A gallery of this device, and files from elsewhere."""
    picture = bytes(cv2.imencode(".jpg", np.full((20, 20, 3), 90, np.uint8))[1])
    own, theirs, out = folder / "own.gallery", folder / "theirs.gallery", folder / "out"
    space = Space("s" * 40, WIDTH)
    rows = np.random.default_rng(0).normal(size=(4, WIDTH)).astype(np.float32)
    Gallery(own, space).teach("ann", rows[:2], pictures=[picture] * 2, when=1.0)
    taught = own.read_bytes()

    def attempt(chance: random.Random) -> None:
        shutil.rmtree(out, ignore_errors=True)
        own.write_bytes(taught)
        theirs.write_bytes(_odd(chance, taught, picture))
        assert gallery_path(str(chance.choice(ODD)).encode(errors="replace").decode()).parent == galleries_folder()
        mine = Gallery(own, space)
        try:
            if chance.random() < 0.5:
                brought = import_gallery(mine, theirs)
                assert sum(e.lesson == brought.lesson for e in mine.exemplars()) == brought.added
            else:
                _looked_at(opened_alone(theirs), out)
        finally:
            names = [named.name for named in mine.names]
            assert "ann" in names and all(map(str.isprintable, names)), names
            if out.exists():
                assert all(path.resolve().is_relative_to(out) for path in out.rglob("*"))

    yield attempt


def _looked_at(gallery: Gallery, out: Path) -> None:
    """What `edgelens gallery` does with a file that it is shown."""
    names = [named.name for named in gallery.names]
    json.dumps([gallery.damaged, gallery.alike(), names], ensure_ascii=False).encode()
    for name in names[:3]:
        gallery.picture(name)
        gallery.match(np.ones(WIDTH, np.float32)) if gallery.space.width == WIDTH else None
    out.mkdir()
    if names:
        export_gallery(gallery, out / "out.gallery")
        export_photos(gallery, out / "photos")


def _odd(chance: random.Random, taught: bytes, picture: bytes) -> bytes:
    how = chance.random()
    if how < 0.4:
        return mutated(chance, taught)
    if how < 0.5:
        return taught + MAGIC * chance.choice((1, 50, 20_000)) + bytes(chance.choice((0, 140_000)))
    if how < 0.6:
        return taught + struct.pack("<4sBIIII", MAGIC, 1, 60_000, 60_000, 0, 0) * 3000 + bytes(140_000)
    head: dict[str, Any] = {"format": [1, 0], "feature_space": "s" * 40, "width": WIDTH, "id": "1"}
    rows = [{"name": "bob", "when": 5.0, "source": "cam", "lesson": "2"} for _ in range(chance.randint(1, 4))]
    for said in chance.sample([head, *rows], chance.choice((1, 1, 2))):
        said[chance.choice([*said, "picture"])] = chance.choice(ODD)
    vectors = [np.full(WIDTH, chance.choice((1.0, 0.0, np.nan, np.inf, 6e4)), np.float16) for _ in rows]
    records = [_record(HEAD, head, b"", b"")]
    for said, vector in zip(rows, vectors, strict=True):
        shown = chance.choice((picture, b"", b"no picture", picture + bytes(200_000)))
        sized = vector.tobytes() if chance.random() < 0.9 else vector.tobytes()[:-1]
        records.append(
            _record(chance.choice((EXEMPLAR,) * 9 + (HEAD,)), {"picture": zlib.crc32(shown), **said}, sized, shown)
        )
    return b"".join(records)


def _record(kind: int, said: dict[str, Any], vector: bytes, picture: bytes) -> bytes:
    """A record whose sum is right, whatever it says."""
    text = json.dumps(said).encode()
    prefix = struct.pack("<4sBIII", MAGIC, kind, len(text), len(vector), len(picture))
    return prefix + struct.pack("<I", zlib.crc32(prefix + text + vector)) + text + vector + picture


FUZZER = Fuzzer(opened)
