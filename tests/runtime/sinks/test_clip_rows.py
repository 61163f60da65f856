"""What was seen in a clip's pictures lies beside it: of the very pictures, as safe as the clip, gone with it."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import staged_scenes as scenes

from edgelens.runtime.errors import UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.catalog import open_sinks
from edgelens.runtime.sinks.clip import Clip
from edgelens.runtime.sinks.clip_rows import told
from edgelens.runtime.sinks.options.record import RecordOptions
from edgelens.runtime.sinks.protocol import SinkContext
from edgelens.runtime.sinks.quota import Quota
from edgelens.runtime.sinks.record import RecordSink
from edgelens.runtime.sinks.recorded import Recorded

FREE = {"keep_free_bytes": 0}


def moving(i: int, at_s: float, announced: str | None = None) -> Result:
    """A bright square that goes to the right, and its box."""
    image, x = np.full((96, 128, 3), 30, np.uint8), 4 * i % 100
    image[40:60, x : x + 20] = 230
    seen = Recognitions(("cup",), [0], [0.9], boxes=[[x, 40, 20, 20]], track_ids=[7], task="detect")
    return Result(Frame(image, i, captured=at_s, source="cam"), seen, announced=announced)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def recording(folder: Path, count: int = 12, every_s: float = 0.1, **options: Any) -> None:
    with RecordSink(RecordOptions(folder, before_s=0.45, after_s=0.45, fps=10, **FREE, **options)) as sink:
        for i in range(count):
            sink.write(moving(i, 100 + every_s * i, "cup" if i == 4 else None))


@pytest.mark.parametrize("ending", ["webm", "avi"])  # each picture at its own time; a picture at a constant rate
def test_a_line_has_the_time_of_the_picture_that_it_is_of(tmp_path: Path, ending: str) -> None:
    clip = Clip(tmp_path / f"x.{ending}", 10)
    for i, at_s in enumerate([0.0, 0.1, 0.1301, 0.43, 0.5, 0.9, 5.0, 5.11]):  # neither even, nor without a long gap
        result = moving(i, at_s)
        clip.add(at_s, result.frame.image, told(result, drawn=False))
    clip.finish()
    said, capture, seen = lines(tmp_path / "x.jsonl"), cv2.VideoCapture(str(clip.target)), set()
    while True:
        good, image = capture.read()
        if not good:
            break
        at_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
        of_it = [line for line in said if line["position_s"] <= at_s + 0.001][-1]
        (row,) = of_it["results"]
        left = np.flatnonzero(image[50, :, 1] > 130)[0]
        assert row["box"][0] * 128 == pytest.approx(left, abs=2), f"the picture at {at_s}"
        seen.add(of_it["frame"])
    assert seen == set(range(8)), "every picture, and every line"
    assert {path.name for path in tmp_path.iterdir()} == {f"x.{ending}", "x.jsonl"}


@pytest.mark.parametrize(
    ("options", "drawn", "beside"),
    [
        ({}, False, True),
        ({"boxes": True}, True, False),
        ({"boxes_as": "data"}, False, True),
        ({"boxes_as": "burnt"}, True, False),
        ({"boxes_as": "both"}, True, True),
        ({"boxes_as": "none"}, False, False),
    ],
)
def test_boxes_are_carried_as_asked_for(tmp_path: Path, options: dict[str, Any], drawn: bool, beside: bool) -> None:
    recording(tmp_path, **options)
    (video,) = (path for path in tmp_path.glob("clips/*") if path.suffix != ".jsonl")
    image = cv2.VideoCapture(str(video)).read()[1]
    assert (np.ptp(image, axis=2).max() > 80) == drawn, "a picture without colours, but for what is drawn"
    assert video.with_suffix(".jsonl").exists() == beside
    if beside:
        said = lines(video.with_suffix(".jsonl"))
        assert [line["frame"] for line in said] == list(range(9))
        assert {line.get("drawn", False) for line in said} == {drawn}
        box = [0, 0.4167, 0.1562, 0.2083]
        assert said[0]["results"] == [
            {"label": "cup", "id": 0, "score": pytest.approx(0.9), "box": pytest.approx(box, abs=1e-4), "track": 7}
        ]


def test_who_asks_for_two_things_at_once_is_told(tmp_path: Path) -> None:
    for boxes_as in ("data", "none"):
        with pytest.raises(UsageError, match=f"--record-boxes-as burnt and not {boxes_as}: say one of them"):
            open_sinks({"record": RecordOptions(tmp_path, boxes=True, boxes_as=boxes_as)}, SinkContext())


def test_places_of_every_kind_are_fractions_of_the_picture() -> None:
    seen = scenes.shapes(0, 0, 0)
    frame = Frame(np.zeros((480, 640, 3), np.uint8))
    here, there = (row.to_dict() for row in seen), json.loads(told(Result(frame, seen), drawn=False))["results"]
    assert [set(row) for row in there] == [set(row.to_dict()) for row in seen]
    for row, said in zip(here, there, strict=True):
        for points in ("keypoints", "corners"):
            for (x, y, *rest), (u, v, *same) in zip(row.get(points, ()), said.get(points, ()), strict=True):
                assert [u, v, *same] == pytest.approx([x / 640, y / 480, *rest], abs=1e-4)
        for outline, relative in zip(row.get("mask", ()), said.get("mask", ()), strict=True):
            assert np.array(relative) == pytest.approx(np.array(outline) / (640, 480), abs=1e-4)


def test_a_clip_goes_with_its_rows(tmp_path: Path) -> None:
    """Also where the rows are newer, or small enough to stay."""
    names = re.compile(r"\w+\.(webm|jsonl)")
    for number in range(3):
        for ending, size, age_s in (("webm", 5000, 100), ("jsonl", 300, 10)):
            file = tmp_path / f"{'abc'[number]}.{ending}"
            file.write_bytes(bytes(size))
            os.utime(file, (time.time() - age_s + number,) * 2)
    (tmp_path / "a.txt").touch()
    on_disk = sum(file.stat().st_blocks * 512 for file in tmp_path.glob("*.*"))
    assert Quota(tmp_path, names, on_disk, keep_free_bytes=0).make_room(100)
    assert {file.name for file in tmp_path.iterdir()} == {"a.txt", "b.webm", "b.jsonl", "c.webm", "c.jsonl"}


def test_rows_count_for_the_quota(tmp_path: Path) -> None:
    quota = Quota(tmp_path, re.compile(r".*\.(webm|jsonl)"), 10**9, keep_free_bytes=0)
    (tmp_path / "a.webm").write_bytes(bytes(8192))
    alone = quota.used()
    (tmp_path / "a.jsonl").write_bytes(bytes(8192))
    assert quota.used() == 2 * alone


def test_rows_whose_clip_is_not_there_go_at_the_start(tmp_path: Path) -> None:
    """A run was killed between the two, or somebody deleted the clip."""
    recording(tmp_path)
    (rows,) = tmp_path.glob("clips/*.jsonl")
    orphan = rows.with_name("20260101-000000-000000-cam-cup.jsonl")
    orphan.write_text("{}\n")
    (mine := rows.with_name("notes.jsonl")).write_text("not the kit's: never touched")
    with RecordSink(RecordOptions(tmp_path, **FREE)):
        assert (rows.exists(), orphan.exists(), mine.exists()) == (True, False, True)


def test_a_clip_that_cannot_be_put_in_its_place_leaves_no_rows(tmp_path: Path) -> None:
    clip = Clip(tmp_path / "x.webm", 10)
    for i in range(3):
        clip.add(i / 10, moving(i, i / 10).frame.image, told(moving(i, i / 10), drawn=False))
    (tmp_path / "x.webm").mkdir()
    with pytest.raises(OSError, match="directory"):
        clip.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["x.webm"]


def test_rows_of_a_clip_are_found_and_a_link_is_not(tmp_path: Path) -> None:
    recording(tmp_path)
    (rows,) = tmp_path.glob("clips/*.jsonl")
    clip = next(path for path in tmp_path.glob("clips/*") if path != rows)
    assert Recorded(tmp_path).rows(clip) == rows
    assert Recorded(tmp_path).rows(None) is None
    (tmp_path / "secret").write_bytes(rows.read_bytes())
    rows.unlink()
    assert Recorded(tmp_path).rows(clip) is None
    rows.symlink_to(tmp_path / "secret")
    assert Recorded(tmp_path).rows(clip) is None
