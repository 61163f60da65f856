"""A disk that is full, then has room again: what was kept stays, every sink goes on by itself, and all is said."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from small_disk import SmallDisk, in_own_mounts

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.errors import WorkError
from edgelens.runtime.frame import Frame
from edgelens.runtime.live.shared.collect import Collector
from edgelens.runtime.loop.outlets import Outlets
from edgelens.runtime.model.settling import Settling
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.annotated import annotated
from edgelens.runtime.sinks.csvrows import CsvRows
from edgelens.runtime.sinks.jsonlines import JsonLines
from edgelens.runtime.sinks.options.record import RecordOptions
from edgelens.runtime.sinks.options.uncertain import UncertainOptions
from edgelens.runtime.sinks.outbox import Message, Outbox
from edgelens.runtime.sinks.record import RecordSink
from edgelens.runtime.sinks.uncertain import UncertainSink
from edgelens.runtime.sinks.video import constant_rate

NOISE = np.random.default_rng(0).integers(0, 256, (8, 60, 80, 3), dtype=np.uint8)


def result(index: int, announced: str | None = None) -> Result:
    seen = Recognitions(("a",), [0], [0.61], task="classify")
    return Result(Frame(NOISE[index % 8], index, captured=index / 10, source="cam"), seen, announced=announced)


def wait_for(condition: Callable[[], Any], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_as_anybody() -> None:
    in_own_mounts(__file__)


@pytest.mark.parametrize("kind", [JsonLines, CsvRows])
def test_lines_and_rows(small_disk: SmallDisk, kind: Any) -> None:
    path, said = small_disk.folder / "out", []
    with Outlets([kind(str(path))], say=said.append) as outlets:
        outlets.put(result(0), wait=True)
        wait_for(lambda: path.stat().st_size)
        small_disk.fill()
        last = 0
        while not outlets.status[0].error:  # the page that the file has begun is filled up first
            last += 1
            outlets.put(result(last), wait=True)
        small_disk.empty()
        more = last
        while outlets.status[0].error:
            more += 1
            outlets.put(result(more), wait=False)
            time.sleep(0.02)
        lost = outlets.status[0].lost
    name = "json" if kind is JsonLines else "csv"
    assert said == [
        f"{name}: results could not be kept: No space left on device; trying again",
        f"{name}: works again; {lost} results were lost",
    ]
    lines = path.read_text().splitlines()
    frames = [json.loads(line)["frame"] for line in lines] if kind is JsonLines else [
        int(row["frame"]) for row in csv.DictReader(lines)]  # fmt: skip
    assert frames == sorted(set(frames)), "no line is cut or there twice"
    assert {0, more} <= set(frames)
    assert len(frames) + lost == more + 1
    assert outlets.failures == (f"{name}: {lost} results lost: No space left on device",)


_PRINTER = """
import sys
from edgelens.runtime.frame import Frame
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.jsonlines import JsonLines
import numpy as np
with JsonLines("-") as sink:
    for index in range(400):
        try:
            sink.write(Result(Frame(np.zeros((4, 4, 3), np.uint8), index), Recognitions.nothing()))
        except OSError:
            sys.stderr.write("lost")
        if sys.stdin.readline() != "on\\n":
            break
"""


@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_lines_on_a_standard_output_that_is_a_file(small_disk: SmallDisk, mode: str) -> None:
    path = small_disk.folder / "out"
    with path.open(mode) as out:
        words = [sys.executable, "-c", _PRINTER]
        child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stderr is not None

    def go_on() -> None:
        assert child.stdin is not None
        child.stdin.write("on\n")
        child.stdin.flush()

    wait_for(lambda: path.stat().st_size)
    small_disk.fill()
    for _ in range(60):  # a page of the disk has room for some
        go_on()
    assert child.stderr.read(4) == "lost"
    small_disk.empty()
    for _ in range(60):
        go_on()
    child.communicate()
    frames = [json.loads(line)["frame"] for line in path.read_text().splitlines()]
    assert frames == sorted(set(frames))
    assert (frames[0], frames[-1]) == (0, 120)


@pytest.mark.parametrize("kind", [JsonLines, CsvRows])
def test_a_disk_that_is_full_at_the_start(small_disk: SmallDisk, kind: Any) -> None:
    path = small_disk.folder / "out"
    small_disk.fill()
    with Outlets([kind(str(path))], say=lambda line: None) as outlets:
        outlets.put(result(0), wait=True)
        wait_for(lambda: outlets.status[0].error)
        small_disk.empty()
        outlets.put(result(1), wait=True)
        wait_for(lambda: not outlets.status[0].error)
    text = path.read_text()
    assert text.count("cam") == 1
    assert text.startswith("device," if kind is CsvRows else "{")


def test_recordings(small_disk: SmallDisk) -> None:
    said: list[str] = []
    options = RecordOptions(small_disk.folder, before_s=0.3, after_s=0.3, fps=10, keep_free_bytes=0)
    with Outlets([RecordSink(options)], say=said.append) as outlets:

        def event(at: int) -> None:
            for index in range(at, at + 30):
                outlets.put(result(index, "a" if index == at + 10 else None), wait=True)

        event(0)
        wait_for(lambda: list(small_disk.folder.glob("clips/[!.]*.[mw]*")))
        kept = {path: path.read_bytes() for path in small_disk.folder.glob("*/[!.]*")}
        assert len(kept) == 4, "a clip with its rows, a snapshot and lines"
        small_disk.fill()
        event(100)
        wait_for(lambda: outlets.status[0].error.count(":") >= 3)
        assert all(path.read_bytes().startswith(data) for path, data in kept.items()), "what is kept stays"
        small_disk.empty()
        event(200)
        wait_for(lambda: not outlets.status[0].error)
    assert len(list(small_disk.folder.glob("snapshots/[!.]*"))) == 2
    assert len(list(small_disk.folder.glob("clips/*"))) == 4
    clips = [clip for clip in small_disk.folder.glob("clips/*") if clip.suffix != ".jsonl"]
    assert len(clips) == 2
    assert all(cv2.VideoCapture(str(clip)).read()[0] for clip in clips)
    kinds = ("clips", "snapshots", "lines")
    assert {line.split()[1] for line in said if "could not be kept" in line} == set(kinds)
    assert {line.split()[-3] for line in said if "works again" in line} == set(kinds)
    lines = [line for path in small_disk.folder.glob("lines/*") for line in path.read_text().splitlines()]
    assert [json.loads(line)["frame"] for line in lines] == [10, 210]


@pytest.mark.parametrize("name", ["out.webm", "out.avi", "out"])
def test_annotated_frames(small_disk: SmallDisk, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constant_rate, "SPARE_BYTES", 65536)
    said: list[str] = []
    path = small_disk.folder / name
    with Outlets([annotated(str(path), lambda source: 10.0)], say=said.append) as outlets:
        index = iter(range(10**6))

        def go_on_until(condition: Callable[[], Any]) -> None:
            deadline = time.monotonic() + 15
            while not condition():
                outlets.put(result(next(index)), wait=True)
                time.sleep(0.02)
                assert time.monotonic() < deadline

        go_on_until(lambda: path.exists() and (path.is_file() or list(path.iterdir())))
        small_disk.fill()
        go_on_until(lambda: outlets.status[0].error)
        small_disk.empty()
        go_on_until(lambda: len(said) == 2)  # a few pictures are all that the disk has room for: then it is full again
    assert "works again" in said[1]
    if name == "out":
        assert all(cv2.imread(str(picture)) is not None for picture in path.iterdir())
    else:
        assert cv2.VideoCapture(str(path)).read()[0]


def test_a_video_that_could_not_even_be_begun(small_disk: SmallDisk) -> None:
    said: list[str] = []
    small_disk.fill()
    sink = annotated(str(small_disk.folder / "out.mp4"), lambda source: 10.0)
    sink.losses.say = said.append
    with sink:
        for index in range(20):
            sink.write(result(index))
        assert sink.losses.lost == 20 - 7, "some wait"
        small_disk.empty()
        for index in range(20, 32):
            sink.write(result(index))
        assert not sink.losses.error
    assert [line.split(":")[0] for line in said[-2:]] == ["video", "video"]
    assert len(said) <= 3, "which encoder there is, what is wrong, and that it works again: once each"
    (video,) = small_disk.folder.iterdir()
    assert cv2.VideoCapture(str(video)).read()[0]


def test_uncertain_pictures(small_disk: SmallDisk) -> None:
    said: list[str] = []
    options = UncertainOptions(small_disk.folder, every_s=0, keep_free_bytes=0)
    with Outlets([UncertainSink(options, decode=lambda source: Decode(threshold=0.6))], say=said.append) as outlets:
        outlets.put(result(0), wait=True)
        wait_for(lambda: list(small_disk.folder.rglob("*.jpg")))
        kept = next(iter(small_disk.folder.rglob("*.jpg"))).read_bytes()
        small_disk.fill()
        for index in range(1, 4):
            outlets.put(result(index), wait=True)
        wait_for(lambda: outlets.status[0].lost == 3)
        small_disk.empty()
        outlets.put(result(9), wait=True)
        wait_for(lambda: not outlets.status[0].error)
    pictures = sorted(small_disk.folder.rglob("*.jpg"))
    assert len(pictures) == 2
    assert pictures[0].read_bytes() == kept
    assert all(cv2.imread(str(path)) is not None for path in pictures)
    assert said[0].startswith("uncertain: pictures could not be kept: no room on the disk")
    assert said[1:] == ["uncertain: works again; 3 pictures were lost"]


def test_collected_pictures(small_disk: SmallDisk) -> None:
    collector = Collector(small_disk.folder / "photos", keep_free_bytes=0)
    assert collector.keep(result(0), "cup")["count"] == 1
    small_disk.fill()
    for label in ("cup", "fork"):
        with pytest.raises(WorkError, match="No space left"):
            collector.keep(result(1), label)
    small_disk.empty()
    assert collector.keep(result(2), "cup")["count"] == 2
    assert not list(small_disk.folder.rglob(".*"))


def test_the_engine_that_won_is_noted_when_there_is_room(
    small_disk: SmallDisk, color_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(small_disk.folder))
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1}, raising=False)  # one core leaves no choice
    network = color_bundle.manifest.main
    small_disk.fill()
    for noted in (False, True):
        settling = Settling(color_bundle, network, None, None)
        assert settling.recall() is None
        while not settling.search(1.0)[0]:
            pass
        assert (settling.measured is not None, settling.notes == ()) == (True, noted)
        assert not list(small_disk.folder.rglob("*.partial"))
        if not noted:
            small_disk.empty()
    assert Settling(color_bundle, network, None, None).recall() is not None


def put(box: Outbox, *texts: str) -> None:
    box.put([Message("t", text.encode()) for text in texts])


def texts(box: Outbox) -> list[str]:
    return [message.payload.decode() for message in box.next(0, 1000)]


def test_an_outbox_loses_nothing_that_it_has_and_takes_what_comes_when_there_is_room(small_disk: SmallDisk) -> None:
    path = small_disk.folder / "box.sqlite"
    with Outbox(path) as box:
        put(box, *map(str, range(123)))
    small_disk.fill()
    with Outbox(path) as box:
        said: list[str] = []
        box.losses.say = said.append
        put(box, "held")
        assert len(box) == 124
        assert box.losses.error
        small_disk.empty()
        put(box, "after")
        assert (box.losses.error, box.losses.lost) == ("", 0)
    assert [line.partition(":")[2] for line in said][1:] == [" works again; 0 messages were lost"]
    assert [entry.name for entry in small_disk.folder.iterdir() if "damaged" in entry.name] == []
    with Outbox(path) as box:
        assert texts(box) == [*map(str, range(123)), "held", "after"]


def test_what_the_disk_does_not_take_is_sent_from_memory_and_what_arrived_is_forgotten_later(
    small_disk: SmallDisk,
) -> None:
    path = small_disk.folder / "box.sqlite"
    with Outbox(path) as box:
        box.losses.say = lambda line: None
        put(box, "kept")
        small_disk.fill()
        while not box.losses.error:
            put(box, "x" * 2000)
        put(box, "last")
        rows = box.next(0, 1000)
        assert rows[-1].payload == b"last"
        assert rows[-1].row == 0
        box.done([message.row for message in rows])
        assert len(box) == 0
        small_disk.empty()
        put(box, "new")
        assert len(box) == 1
    with Outbox(path) as box:
        assert texts(box) == ["new"]


def test_what_waits_in_memory_is_bounded_and_what_does_not_fit_is_counted(small_disk: SmallDisk) -> None:
    with Outbox(small_disk.folder / "box.sqlite") as box:
        box.losses.say = lambda line: None
        small_disk.fill()
        for _ in range(50):
            box.put([Message("t", bytes(10_000)) for _ in range(30)])
        assert box.losses.lost > 900
        small_disk.empty()
    assert Path(small_disk.folder).exists()


def test_an_outbox_on_a_disk_that_is_full_at_the_start(small_disk: SmallDisk) -> None:
    small_disk.fill()
    with Outbox(small_disk.folder / "new" / "box.sqlite") as box:
        box.losses.say = lambda line: None
        put(box, "first")
        assert len(box) == 1
        small_disk.empty()
        put(box, "second")
    with Outbox(small_disk.folder / "new" / "box.sqlite") as box:
        assert texts(box) == ["first", "second"]
