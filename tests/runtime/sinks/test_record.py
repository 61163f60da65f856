"""Clips, snapshots and lines: whole or absent, within the quota, whatever happens to the disk or the process."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgelens.runtime.frame import Frame
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.clip import Clip
from edgelens.runtime.sinks.options.record import RecordOptions
from edgelens.runtime.sinks.protocol import Notice
from edgelens.runtime.sinks.record import RecordSink
from edgelens.runtime.sinks.record_names import names_of_source, stem_of
from edgelens.runtime.sinks.recorded import Recorded

FREE = {"keep_free_bytes": 0}


def play(path: Path) -> int:
    """Tenths of a second that a clip lasts, all of it decoded."""
    capture, last, count = cv2.VideoCapture(str(path)), 0.0, 0
    while capture.read()[0]:
        last, count = capture.get(cv2.CAP_PROP_POS_MSEC), count + 1
    capture.release()
    return round(last / 100) + 1 if count else 0


def names(folder: Path) -> set[str]:
    return {path.name for path in videos(folder)}


def videos(folder: Path) -> list[Path]:
    return [path for path in folder.glob("clips/[!.]*") if path.suffix != ".jsonl"]


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def pictures_told_of(clip: Path) -> int:
    """How many have a whole line beside the clip."""
    lines = clip.with_suffix(".jsonl").read_text().splitlines()
    return sum(len(json.loads(line)["results"]) == 1 for line in lines)


def feed(
    sink: RecordSink, loop: Any, later: Any, seconds: float, announce: dict[float, str], start: float = 100.0
) -> None:
    """30 frames a second of a camera's time, as fast as they can be written."""
    left = dict(announce)
    for i in range(int(seconds * 30)):
        at = i / 30
        due = next((moment for moment in left if at >= moment), None)
        label = left.pop(due) if due is not None else None
        sink.write(later(loop.result("camera"), captured=start + at, announced=label))


def test_a_clip_holds_what_was_before_and_after(staged: Any, later: Any, tmp_path: Path) -> None:
    loop = staged(fps=0)
    options = RecordOptions(tmp_path, before_s=1, after_s=2, fps=10, **FREE)
    with RecordSink(options) as sink:
        feed(sink, loop, later, 6, {3.0: "cup"})
        sink.notice(Notice("camera", "lost", "camera: lost", 1.0))
    (clip,) = videos(tmp_path)
    assert play(clip) == pytest.approx(30, abs=2)
    assert clip.name.endswith(("-camera-cup.webm", "-camera-cup.mp4"))
    (snapshot,) = (tmp_path / "snapshots").iterdir()
    assert cv2.imread(str(snapshot)).shape == (480, 640, 3)
    lines = [json.loads(line) for path in (tmp_path / "lines").iterdir() for line in path.read_text().splitlines()]
    assert [line.get("announced") or line.get("kind") for line in lines] == ["cup", "lost"]
    assert lines[0]["schema"] == 2
    assert len(lines[0]["results"]) == 1


def test_announcements_close_together_make_one_clip_up_to_a_length(staged: Any, later: Any, tmp_path: Path) -> None:
    loop = staged(fps=0)
    with RecordSink(RecordOptions(tmp_path, before_s=0.5, after_s=1, longest_s=3, fps=10, **FREE)) as sink:
        feed(sink, loop, later, 6, {1.0: "a", 1.8: "b", 2.6: "c", 3.2: "d"})
    lengths = sorted(play(clip) for clip in videos(tmp_path))
    assert len(lengths) == 1
    assert lengths[0] == pytest.approx(30, abs=3)


def test_a_clip_is_finished_in_time_when_no_more_pictures_come(staged: Any, later: Any, tmp_path: Path) -> None:
    """The only source is paused on the page, and goes on an hour later."""
    loop, options = staged(fps=0), RecordOptions(tmp_path, before_s=0.5, after_s=1, fps=10, **FREE)
    with RecordSink(options) as sink:
        feed(sink, loop, later, 2, {1.5: "a"})
        deadline = time.monotonic() + 40
        while not names(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        (clip,) = videos(tmp_path)
        assert play(clip) == pytest.approx(10, abs=2)
        feed(sink, loop, later, 1, {0.5: "b"}, start=3700.0)
    (other,) = {*videos(tmp_path)} - {clip}
    assert play(other) == pytest.approx(10, abs=2)


def test_what_comes_after_a_clip_s_time_is_not_in_it(staged: Any, later: Any, tmp_path: Path) -> None:
    loop = staged(fps=0)
    with RecordSink(RecordOptions(tmp_path, before_s=0.5, after_s=1, fps=10, **FREE)) as sink:
        feed(sink, loop, later, 2, {1.5: "a"})
        feed(sink, loop, later, 0.1, {}, start=3700.0)
    (clip,) = videos(tmp_path)
    assert play(clip) == pytest.approx(10, abs=2), "a gap would be stood in for by two seconds"


def test_a_clip_under_way_is_finished_when_the_run_ends(staged: Any, later: Any, tmp_path: Path) -> None:
    loop = staged(fps=0)
    with RecordSink(RecordOptions(tmp_path, before_s=1, after_s=60, fps=10, **FREE)) as sink:
        feed(sink, loop, later, 2, {1.0: "a"})
    (clip,) = videos(tmp_path)
    assert play(clip) >= 15


def test_a_file_s_clips_have_the_file_s_time(staged: Any, later: Any, tmp_path: Path) -> None:
    """Read faster than it was filmed, and then once more."""
    loop = staged(fps=0)
    with RecordSink(RecordOptions(tmp_path, before_s=1, after_s=2, fps=10, **FREE)) as sink:
        for reading in range(2):
            for i in range(120):
                result = later(
                    loop.result("camera"), captured=100 + 20 * reading + i / 200, announced="a" if i == 60 else None
                )
                sink.write(dataclasses.replace(result, frame=dataclasses.replace(result.frame, position_s=i / 20)))
    assert [play(clip) for clip in videos(tmp_path)] == [pytest.approx(30, abs=2)] * 2


def test_gaps_keep_their_time(tmp_path: Path) -> None:
    clip = Clip(tmp_path / "x.mp4", 10)
    for moment in (0.0, 0.1, 1.1, 1.2, 60.0):
        clip.add(moment, np.zeros((48, 64, 3), np.uint8))
    clip.finish()
    assert play(clip.target) == pytest.approx(33, abs=1), "a gap is stood in for, but not for long"
    assert list(tmp_path.iterdir()) == [clip.target]


@pytest.mark.parametrize("size", [(4000, 1), (1, 3000), (7, 9)])
def test_a_frame_of_an_odd_shape_does_not_end_it(tmp_path: Path, size: tuple[int, int]) -> None:
    seen, said = Recognitions(("a",), [0], [0.9], task="classify"), []
    options = RecordOptions(tmp_path, before_s=0.2, after_s=0.2, fps=10, boxes=True, **FREE)
    with RecordSink(options, say=said.append) as sink:
        for i in range(10):
            frame = Frame(np.zeros((size[1], size[0], 3), np.uint8), i, captured=i / 10, source="cam")
            sink.write(Result(frame, seen, announced="a" if i == 2 else None))
    assert (sink.clips, said) == (1, [])
    (clip,) = videos(tmp_path)
    assert play(clip) > 3


def test_boxes_are_drawn_where_asked_for(tmp_path: Path) -> None:
    seen = Recognitions(("a",), [0], [0.9], boxes=np.array([[20, 20, 60, 40]], np.float32), task="detect")
    for boxes in (False, True):
        options = RecordOptions(tmp_path / str(boxes), before_s=0.2, after_s=0.2, fps=10, boxes=boxes, **FREE)
        with RecordSink(options) as sink:
            for i in range(8):
                frame = Frame(np.full((96, 128, 3), 90, np.uint8), i, captured=i / 10, source="cam")
                sink.write(Result(frame, seen, announced="a" if i == 2 else None))
        for picture in (next(iter((tmp_path / str(boxes) / "snapshots").iterdir())),
                        next(iter(videos(tmp_path / str(boxes))))):  # fmt: skip
            image = cv2.VideoCapture(str(picture)).read()[1]
            assert (image.std() > 8) == boxes


def test_nothing_passes_the_quota(staged: Any, later: Any, tmp_path: Path) -> None:
    loop = staged(fps=0)
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "mine.txt").write_text("not the kit's: never touched")
    options = RecordOptions(tmp_path, before_s=0.5, after_s=0.5, fps=10, most_mb=0.3, **FREE)
    with RecordSink(options, say=lambda line: None) as sink:
        for event in range(5):
            feed(sink, loop, later, 2, {1.0: f"l{event}"}, start=100.0 + 10 * event)
            assert used(tmp_path) <= 300_000 + 100
    newest = max((tmp_path / "clips").glob("2*"), key=lambda path: path.stat().st_mtime)
    assert play(newest) > 0
    assert (tmp_path / "clips" / "mine.txt").exists()


def test_what_is_too_old_goes(staged: Any, later: Any, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    old = tmp_path / "clips" / "20200101-000000-000000-camera-cup.mp4"
    old.write_bytes(b"x")
    os.utime(old, (time.time() - 86400,) * 2)
    partial = tmp_path / "clips" / ".20200101-000000-000000-camera-cup.partial.mp4"
    partial.write_bytes(b"x")
    with RecordSink(RecordOptions(tmp_path, most_days=1 / 24, **FREE)):
        assert not old.exists()
        assert not partial.exists(), "what a killed run left half-written"


_RECORDER = """
import sys, time, resource
from pathlib import Path
import numpy as np
from edgelens.runtime.frame import Frame
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.options.record import RecordOptions
from edgelens.runtime.sinks.record import RecordSink
from edgelens.runtime.sinks.record_names import names_of_source, stem_of
from edgelens.runtime.sinks.recorded import Recorded
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
seen = Recognitions(("a",), [0], [0.9])
noise = np.random.default_rng(0).integers(0, 256, (8, 120, 160, 3), dtype=np.uint8)
options = RecordOptions(folder, before_s=0.3, after_s=0.3, fps=20, most_mb=3, keep_free_bytes=0)
with RecordSink(options, say=lambda line: print(line, flush=True)) as sink:
    for i in range(int(sys.argv[3])):
        frame = Frame(noise[i % 8], i, captured=i / 20, source="camera")
        sink.write(Result(frame, seen, announced="a" if i % 30 == 10 else None))
print("clips", sink.clips, "lost", sink.losses.lost)
"""


def record(folder: Path, limit: int, frames: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", _RECORDER, str(folder), str(limit), str(frames)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_a_clip_is_complete_or_absent_after_a_kill(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    for _ in range(3):
        child = record(tmp_path, 0, 10**6)
        deadline = time.monotonic() + 20
        before = names(tmp_path)
        while len(names(tmp_path) - before) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(float(random.uniform(0, 0.2)))
        child.send_signal(signal.SIGKILL)
        child.communicate()
    clips = videos(tmp_path)
    assert clips  # how many depends on when the kills came
    assert all(play(clip) > 5 for clip in clips)
    assert all(pictures_told_of(clip) > 5 for clip in clips), "who finds a clip finds its rows"
    assert used(tmp_path) <= 3_000_000 + 700_000  # what was half-written at the last kill, cleared by the next run
    assert all(cv2.imread(str(path)) is not None for path in (tmp_path / "snapshots").glob("[!.]*.jpg"))


def test_a_disk_that_takes_no_more_leaves_whole_clips_and_one_line(tmp_path: Path) -> None:
    child = record(tmp_path, 20_000, 200)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    assert "clips 0" in out
    assert out.count("clips could not be kept") == 1
    assert not list(tmp_path.glob("clips/*"))
    assert not list(tmp_path.rglob(".*partial*"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk(tmp_path: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", tmp_path], capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        child = record(tmp_path, 0, 400)
        out, _ = child.communicate(timeout=60)
        assert child.returncode == 0, out
        clips = videos(tmp_path)
        assert clips
        assert all(play(clip) > 5 for clip in clips)
        assert all(pictures_told_of(clip) > 5 for clip in clips)
        assert len(list(tmp_path.glob("clips/*"))) == 2 * len(clips)
        assert not list(tmp_path.rglob(".*partial*"))
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_python_is_not_killed_by_a_file_size_limit() -> None:
    """What the recorder counts on: SIGXFSZ is ignored, a write fails instead."""
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
    assert resource.RLIMIT_FSIZE is not None


def test_what_a_line_noticed_is_kept_too(staged: Any, later: Any, tmp_path: Path) -> None:
    loop = staged(fps=0)
    crossed = {"kind": "crossed", "line": "gate", "direction": "in", "label": "person", "track": 7}
    with RecordSink(RecordOptions(tmp_path, before_s=0.2, after_s=0.2, **FREE)) as sink:
        for i in range(12):
            result = later(loop.result("camera"), captured=100 + i / 20)
            sink.write(dataclasses.replace(result, events=(crossed,) if i == 5 else ()))
    (clip,) = names(tmp_path)
    assert "-camera-person." in clip
    (line,) = [json.loads(line) for path in (tmp_path / "lines").iterdir() for line in path.read_text().splitlines()]
    assert (line["events"], line["size"]) == ([crossed], [640, 480])


def test_a_line_after_a_long_quiet_is_in_a_file_that_is_there(tmp_path: Path) -> None:
    """Days without an event, after which the file of the last one is too old to be kept, and still open."""
    sink = RecordSink(RecordOptions(tmp_path, most_days=1, **FREE))
    with sink:
        sink.notice(Notice("camera", "lost", "before the weekend", 1.0))
        (old,) = (tmp_path / "lines").iterdir()
        os.utime(old, (time.time() - 3 * 86400,) * 2)
        sink._room._checked = float("-inf")  # the folder was looked through long ago
        for text in ("monday", "tuesday"):
            sink.notice(Notice("camera", "lost", text, 2.0))
    lines = [line for path in (tmp_path / "lines").iterdir() for line in path.read_text().splitlines()]
    assert [json.loads(line)["text"] for line in lines] == ["monday", "tuesday"]


def test_the_clip_of_a_camera_that_is_lost_is_finished_at_once(staged: Any, later: Any, tmp_path: Path) -> None:
    loop = staged(fps=0)
    with RecordSink(RecordOptions(tmp_path, before_s=0.5, after_s=60, fps=10, **FREE)) as sink:
        feed(sink, loop, later, 2, {1.0: "burglar"})
        assert not names(tmp_path)
        sink.notice(Notice("camera", "lost", "camera: lost", 1.0))
        deadline = time.monotonic() + 10
        while not names(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(names(tmp_path)) == 1


def test_a_camera_that_is_paused_leaves_no_clip_open(staged: Any, later: Any, tmp_path: Path) -> None:
    loop = staged(fps=0)
    with RecordSink(RecordOptions(tmp_path, before_s=0.5, after_s=1, fps=10, **FREE)) as sink:
        feed(sink, loop, later, 1.2, {1.0: "cup"})
        another = later(loop.result("camera"), captured=110.0)
        sink.write(dataclasses.replace(another, frame=dataclasses.replace(another.frame, source="another")))
        deadline = time.monotonic() + 10
        while not names(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(names(tmp_path)) == 1


CHANNELS = [f"rtsp://nvr-warehouse.example-company.com:554/cam/realmonitor?channel={n}" for n in (1, 2)]


def test_channels_of_one_recorder_have_clips_of_their_own(tmp_path: Path) -> None:
    first, second = CHANNELS
    (tmp_path / "clips").mkdir()
    for n, source in enumerate(CHANNELS):
        (tmp_path / "clips" / f"{stem_of(1000.0 + n / 10, source, 'car')}.webm").touch()
    recorded = Recorded(tmp_path)
    assert recorded.clip(first, [(1000.0,) * 2]) != recorded.clip(second, [(1000.1,) * 2])
    old = tmp_path / "clips" / (stem_of(2000.0, "cam 1", "car").replace(names_of_source("cam 1")[0], "cam_1") + ".webm")
    old.touch()
    assert Recorded(tmp_path).clip("cam 1", [(2000.0, 2000.0)]) == old
    assert names_of_source("camera") == ("camera",)
