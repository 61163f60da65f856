"""A gallery's file: nothing acknowledged is lost, whatever happens to the process, the disk or the bytes."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from small_disk import SmallDisk, in_own_mounts

from edgelens.runtime.errors import DataError, EdgelensError, WorkError
from edgelens.runtime.gallery.exemplar import Exemplar
from edgelens.runtime.gallery.file import GalleryFile
from edgelens.runtime.gallery.gallery import Gallery
from edgelens.runtime.gallery.record import EXEMPLAR, HEAD, MAGIC, MOST_JSON, MOST_PICTURE, MOST_VECTOR, packed
from edgelens.runtime.gallery.space import Space

WIDTH = 8
SPACE = "s" * 64


def exemplar(i: int, *, picture: bytes = b"picture") -> Exemplar:
    return Exemplar(f"name {i}", np.full(WIDTH, i + 1, np.float32), picture, float(i), "test", f"lesson {i}")


def written(path: Path, count: int = 5) -> GalleryFile:
    file = GalleryFile(path)
    for i in range(count):
        file.append(SPACE, [exemplar(i)])
    return file


def names(file: GalleryFile) -> list[str]:
    return [e.name for e in file.exemplars()]


def test_what_is_put_in_comes_out(tmp_path: Path) -> None:
    file = written(tmp_path / "x.gallery")
    found = list(file.exemplars())
    assert [e.name for e in found] == [f"name {i}" for i in range(5)]
    assert all(e.picture == b"picture" and e.source == "test" for e in found)
    assert np.array_equal(found[3].vector, np.full(WIDTH, 4))
    assert os.stat(file.path).st_mode & 0o077 == 0, "faces are for nobody else to read"


def test_a_file_that_was_cut_anywhere_opens_and_goes_on(tmp_path: Path) -> None:
    file = written(tmp_path / "x.gallery")
    data = file.path.read_bytes()
    ends = [data.index(b"name 4") - 1, len(data)]
    for cut in range(len(data) - 120, len(data)):
        file.path.write_bytes(data[:cut])
        assert names(file) == [f"name {i}" for i in range(4)], cut
    assert ends[0] > len(data) - 120
    file.append(SPACE, [exemplar(9)])
    assert names(file) == [*(f"name {i}" for i in range(4)), "name 9"]
    assert file.scan(lambda _: None).damaged == 0, "what was torn is gone"


def test_damage_in_the_middle_costs_what_it_hit_and_nothing_behind_it(tmp_path: Path) -> None:
    file = written(tmp_path / "x.gallery")
    data = bytearray(file.path.read_bytes())
    data[data.index(b"name 2")] ^= 0xFF
    file.path.write_bytes(data)
    assert names(file) == ["name 0", "name 1", "name 3", "name 4"]
    assert file.scan(lambda _: None).damaged == 1
    file.append(SPACE, [exemplar(7)])
    assert names(file)[-1] == "name 7" and b"\xffame 2"[1:] in file.path.read_bytes()


def test_a_damaged_picture_costs_the_picture_alone(tmp_path: Path) -> None:
    file = GalleryFile(tmp_path / "x.gallery")
    file.append(SPACE, [exemplar(0, picture=b"a whole picture"), exemplar(1)])
    data = bytearray(file.path.read_bytes())
    data[data.index(b"whole")] ^= 1
    file.path.write_bytes(data)
    assert [(e.name, e.picture) for e in file.exemplars()] == [("name 0", b""), ("name 1", b"picture")]


def test_random_bytes_and_random_flips_are_one_line_or_fewer_names(tmp_path: Path) -> None:
    file = written(tmp_path / "x.gallery")
    data, rng = file.path.read_bytes(), random.Random(0)
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(rng.choice([1, 3, 40])):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        file.path.write_bytes(changed[: rng.choice([len(changed), rng.randrange(len(changed))])])
        try:
            assert set(names(file)) <= {f"name {i}" for i in range(5)}
        except EdgelensError as error:
            assert "\n" not in str(error) and len(str(error)) < 300


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (packed(HEAD, {"format": [2, 0], "feature_space": SPACE, "width": WIDTH}), "newer edgelens"),
        (packed(HEAD, {"format": [1, 7], "feature_space": SPACE, "width": WIDTH, "later": 1}), ""),
        (packed(HEAD, {"format": [1, 0], "feature_space": SPACE}), "whose features"),
        (packed(HEAD, {"format": [1, 0], "feature_space": SPACE, "width": 10**9}), "whose features"),
        (packed(HEAD, {"format": [1, 0], "feature_space": SPACE, "width": True}), "whose features"),
        (packed(HEAD, {"format": [1, 0]})[:-3], "beginning is damaged"),
        (packed(HEAD, {"format": [1, 0], "feature_space": "\x1b[2J", "width": WIDTH}), "whose features"),
        (b"not at all", "is no gallery"),
        (b"", "is no gallery"),
    ],
)
def test_newer_and_foreign_heads(tmp_path: Path, head: bytes, said: str) -> None:
    path = tmp_path / "x.gallery"
    path.write_bytes(head)
    if not said:
        assert names(GalleryFile(path)) == []
        return
    with pytest.raises(DataError, match=said) as raised:
        names(GalleryFile(path))
    assert "\n" not in str(raised.value)


def test_beginnings_of_records_that_are_none_are_searched_in_proportion_to_the_file(tmp_path: Path) -> None:
    """Each may be a record of 128 kB that does not add up: a few hundred kB of them took minutes."""
    file = written(tmp_path / "x.gallery", 3)
    whole = file.path.read_bytes()
    beginning, summing = struct.pack("<4sBIIII", MAGIC, 1, MOST_JSON, MOST_VECTOR, 0, 0), zlib.crc32
    for odd in (MAGIC * 60_000, beginning * 60_000 + bytes(MOST_JSON + MOST_VECTOR)):
        file.path.write_bytes(whole + odd)
        summed = 0

        def counted(data: bytes, found: int = 0) -> int:
            nonlocal summed
            summed += len(data)
            return summing(data, found)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("edgelens.runtime.gallery.record.zlib.crc32", counted)
            assert names(file) == ["name 0", "name 1", "name 2"]
        assert summed < 40 * 2**20


def test_a_search_that_was_given_up_takes_nothing_for_torn(tmp_path: Path) -> None:
    file = written(tmp_path / "x.gallery", 2)
    beginning = struct.pack("<4sBIIII", MAGIC, 1, MOST_JSON, MOST_VECTOR, MOST_PICTURE, 0)
    there = file.path.read_bytes() + beginning * 40_000 + written(tmp_path / "y.gallery", 1).path.read_bytes()
    file.path.write_bytes(there)
    file.append(SPACE, [exemplar(3)])
    assert file.path.read_bytes().startswith(there)


@pytest.mark.parametrize(
    "said",
    [
        {"name": "a", "when": 10**400},
        {"name": "a", "when": float("nan")},
        {"name": "a", "when": 1e300},
        {"name": "a", "when": -1e15},
        {"name": "\x1b[2J"},
        {"name": "x" * 10_000},
        {"name": "../up"},
    ],
)
def test_what_no_kit_wrote_is_damage(tmp_path: Path, said: dict[str, object]) -> None:
    file = written(tmp_path / "x.gallery", 2)
    row = packed(EXEMPLAR, {"source": "", "lesson": "", **said}, np.ones(WIDTH, np.float16).tobytes())
    file.path.write_bytes(file.path.read_bytes() + row)
    assert names(file) == ["name 0", "name 1"]
    assert file.scan(lambda _: None).damaged == 1


def test_half_of_a_surrogate_pair_is_no_name_and_no_source(tmp_path: Path) -> None:
    file = written(tmp_path / "x.gallery", 1)
    for text in (b'{"name": "\\ud800"}', b'{"name": "a", "source": "\\ud800cam"}'):
        vector = np.ones(WIDTH, np.float16).tobytes()
        prefix = struct.pack("<4sBIII", MAGIC, EXEMPLAR, len(text), len(vector), 0)
        sum_ = struct.pack("<I", zlib.crc32(vector, zlib.crc32(text, zlib.crc32(prefix))))
        file.path.write_bytes(file.path.read_bytes() + prefix + sum_ + text + vector)
    assert [(e.name, e.source) for e in file.exemplars()] == [("name 0", "test"), ("a", "cam")]


def test_who_goes_by_places_of_a_file_that_is_another_by_now_changes_nothing(tmp_path: Path) -> None:
    file = written(tmp_path / "x.gallery", 3)
    identity = file.beginning().identity
    file.rewrite(lambda place, each: None if place == 0 else each, identity=identity)
    file.rewrite(lambda place, each: None if place == 0 else each, identity=identity)
    assert names(file) == ["name 1", "name 2"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.gallery")
    with pytest.raises(DataError, match="no regular file"):
        GalleryFile(tmp_path / "x.gallery").beginning()


@pytest.mark.parametrize("picture", [6_000, 100_000])  # less than streams hold back, and more
def test_a_full_disk_adds_nothing_and_loses_nothing(small_disk: SmallDisk, picture: int) -> None:
    file = written(small_disk.folder / "galleries" / "x.gallery")
    before = file.path.read_bytes()
    small_disk.fill()
    with pytest.raises(WorkError, match="nothing was added") as raised:
        file.append(SPACE, [exemplar(5, picture=bytes(picture))])
    assert "\n" not in str(raised.value) and file.path.read_bytes() == before
    with pytest.raises(WorkError, match="unchanged"):
        file.rewrite(lambda place, each: each)
    assert file.path.read_bytes() == before
    small_disk.empty()
    file.append(SPACE, [exemplar(5)])
    assert len(names(file)) == 6


def test_a_lesson_counts_although_there_is_no_room_to_thin(small_disk: SmallDisk) -> None:
    """The 51st picture is taught and acknowledged; the next one, when there is room, thins."""
    gallery = Gallery(small_disk.folder / "galleries" / "x.gallery", Space(SPACE, WIDTH))
    small_disk.folder.joinpath("ballast").write_bytes(bytes(500_000))
    rows = np.random.default_rng(0).normal(size=(53, 1, WIDTH)).astype(np.float32)
    lessons = [gallery.teach("ada", row, pictures=[bytes(10_000)]) for row in rows[:-1]]
    assert len(set(lessons)) == gallery.names[0].exemplars == 52
    small_disk.folder.joinpath("ballast").unlink()
    gallery.teach("ada", rows[-1], pictures=[bytes(10_000)])
    assert gallery.names[0].exemplars == 27


def test_the_disk_in_a_namespace() -> None:
    in_own_mounts(__file__)


TEACHER = """
import sys, numpy as np
from pathlib import Path
from edgelens.runtime.gallery.gallery import Gallery
from edgelens.runtime.gallery.space import Space
gallery = Gallery(Path(sys.argv[1]), Space("s" * 64, 8))
rng = np.random.default_rng(int(sys.argv[2]))
for i in range(10**6):
    name = f"{sys.argv[2]} {i % 3}"
    gallery.teach(name, rng.normal(size=(4, 8)), pictures=[bytes(3000)] * 4, source=f"lesson {i}")
    print(i, flush=True)
"""


def test_a_killed_process_loses_nothing_that_it_said_was_kept(tmp_path: Path) -> None:
    """Of a process that teaches, and thins, and is killed at a moment of chance; 200 are in `benchmarks/`."""
    rng = random.Random(1)
    path = tmp_path / "state" / "x.gallery"
    for kill in range(6):
        words = [sys.executable, "-c", TEACHER, path, str(kill)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline()
            time.sleep(rng.random() * 0.15)
            process.send_signal(signal.SIGKILL)
            last = int((["0", *process.stdout.read().split()])[-1])
        taught = {e.source for e in GalleryFile(path).exemplars() if e.name.startswith(f"{kill} ")}
        assert f"lesson {last}" in taught, "what was shown last is never what is thinned"
        assert GalleryFile(path).scan(lambda _: None).damaged == 0
    again = Gallery(path, Space(SPACE, WIDTH))
    again.teach("after", np.ones((1, WIDTH)))
    assert {n.name for n in again.names} > {"after", "0 0"}
    assert not list(path.parent.glob("*.partial"))
