"""What was labelled stays labelled: full disks, power cuts, two starts, others' files, journals of earlier versions."""

from __future__ import annotations

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from label_page import HEIGHT, WIDTH

from edgelens.runtime.datasets.catalog import load_boxes
from edgelens.runtime.errors import DataError, UsageError, WorkError
from edgelens.runtime.labelling.content import Content
from edgelens.runtime.labelling.journal import Journal
from edgelens.runtime.labelling.marks import Marks
from edgelens.runtime.labelling.pictures import pictures_of

BOX = {"label": "dot", "box": [40, 50, 40, 60]}


def test_a_picture_that_the_disk_had_no_room_for_is_put_there_later(photos, desk_of, tmp_path, monkeypatch):
    def full(*_):
        raise WorkError("no space left")

    said = {"boxes": [BOX], "done": True}
    with desk_of(photos, classes=["dot"]) as desk:
        with monkeypatch.context() as patched:
            patched.setattr("edgelens.runtime.labelling.data_set._put", full)
            for number in (0, 1):
                with pytest.raises(WorkError, match="no space left"):
                    desk.keep(number, said)
        desk.keep(0, said)  # the same once more
        assert (tmp_path / "out/images/photo0.png").is_file()
    assert not (tmp_path / "out/images/photo1.png").exists()
    with desk_of(photos) as desk:
        assert (tmp_path / "out/images/photo1.png").is_file()
    assert len(load_boxes(tmp_path / "out").names) == 2


@pytest.mark.parametrize(("format_name", "folder"), [("yolo", "labels"), ("voc", "Annotations")])
def test_labels_that_the_disk_had_no_room_for_are_no_negative_and_are_put_there_later(
    photos, desk_of, tmp_path, format_name, folder
):
    with desk_of(photos, format_name=format_name, classes=["dot"]) as desk:
        (tmp_path / "out" / folder).write_text("in the way")
        with pytest.raises(WorkError, match="the picture is not in the data set"):
            desk.keep(0, {"boxes": [BOX], "done": True})
        (tmp_path / "out" / folder).unlink()
        desk.keep(1, {"boxes": [BOX], "done": True})
    assert [name.rpartition("/")[2] for name in load_boxes(tmp_path / "out").names] == ["photo1.png"]
    with desk_of(photos):
        pass
    data = load_boxes(tmp_path / "out")
    assert [(len(boxes), name[-10:]) for boxes, name in zip(data.boxes, data.names, strict=True)] == [
        (1, "photo0.png"), (1, "photo1.png"),
    ]  # fmt: skip


@pytest.mark.parametrize("format_name", ["yolo", "voc"])
def test_a_picture_that_is_no_longer_done_leaves_no_labels_behind(photos, desk_of, tmp_path, format_name):
    with desk_of(photos, format_name=format_name, classes=["dot"]) as desk:
        for done in (True, False):
            desk.keep(0, {"boxes": [BOX], "done": done})
        desk.keep(1, {"boxes": [BOX], "done": True})
    data = load_boxes(tmp_path / "out")
    assert (len(data), data.passed_over) == (1, 0)


def test_a_picture_that_is_labelled_where_it_lies_stays(photos, desk_of, tmp_path):
    (tmp_path / "out").mkdir()
    photos.rename(tmp_path / "out/images")
    with desk_of(tmp_path / "out", format_name="yolo", classes=["dot"]) as desk:
        name = desk.pictures[0].path.name
        for done in (True, False):
            desk.keep(0, {"boxes": [BOX], "done": done})
    assert (tmp_path / "out/images" / name).is_file()


def test_of_two_starts_at_one_place_the_second_is_refused(photos, desk_of, tmp_path):
    with desk_of(photos, format_name="yolo") as desk:
        late = Journal(tmp_path / "out")
        with pytest.raises(WorkError, match="another `edgelens label` is at it"):
            desk_of(photos).__enter__()
        desk.keep(0, {"boxes": [BOX], "done": True})
    with pytest.raises(WorkError, match="start again"):
        late.__enter__()
    (tmp_path / "out/labels.jsonl").write_bytes((tmp_path / "out/labels.jsonl").read_bytes().replace(b"\n", b"\r\n"))
    with desk_of(photos) as desk:
        assert desk.state()["done"][0] is True


_FULL = """
import resource, signal, sys
from pathlib import Path
from edgelens.runtime.errors import WorkError
from edgelens.runtime.labelling.journal import Journal

folder = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Journal(folder) as journal:
    journal.know("dot")
    room = journal.path.stat().st_size + 9
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        journal.know("a line that is longer than what the disk has room for")
    except WorkError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.know("line")
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
"""


def test_what_a_full_disk_took_half_of_is_not_there_when_it_has_room_again(tmp_path):
    done = subprocess.run([sys.executable, "-c", _FULL, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("labels.jsonl: File too large; the last change was not kept")
    assert Journal(tmp_path).classes == ["dot", "line"]


def test_frames_of_a_video_that_were_half_taken_are_taken_again(tmp_path):
    clip = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for level in range(0, 250, 25):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    asked = {"most": 50, "differ": 6.0}

    def stopped(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pictures_of(str(clip), tmp_path / "frames", most=20, differ=6.0, say=stopped)
    (tmp_path / "frames/.clip.complete").unlink(missing_ok=True)  # it was stopped when all were there
    for file in sorted((tmp_path / "frames").glob("*.jpg"))[3:]:
        file.unlink()
    assert len(pictures_of(str(clip), tmp_path / "frames", say=print, **asked)) == 10
    assert len(pictures_of(str(clip), tmp_path / "frames", say=stopped, **asked)) == 10


def test_a_later_start_goes_on_in_the_same_format(photos, desk_of, tmp_path):
    with desk_of(photos, format_name="yolo", classes=["dot"]) as desk:
        desk.keep(0, {"boxes": [BOX], "done": True})
    with pytest.raises(UsageError, match=r"is labelled as yolo: go on with --format yolo, or give another --out"):
        desk_of(photos, format_name="voc").__enter__()
    with desk_of(photos) as desk:
        assert desk.state()["format"] == "yolo"
        desk.keep(1, {"boxes": [BOX], "done": True})
    data = load_boxes(tmp_path / "out")
    assert (data.format, len(data.names)) == ("yolo", 2)


def test_a_journal_of_an_earlier_version_means_pictures_by_their_names(photos, desk_of, tmp_path):
    (tmp_path / "out").mkdir()
    row = {"picture": "photo1.png", **Marks(WIDTH, HEIGHT, done=True).to_json()}
    (tmp_path / "out/labels.jsonl").write_text(json.dumps(row) + "\n")
    for _ in range(2):
        with desk_of(photos, classes=["dot"]) as desk:
            assert desk.state()["done"] == [False, True, False, False, False, False]
            desk.keep(1, {"boxes": [BOX], "done": True})


def test_a_picture_that_others_have_put_into_the_data_set_gets_no_labels_of_its_namesake(photos, desk_of, tmp_path):
    (tmp_path / "out/images").mkdir(parents=True)
    for name, source in (("photo0.png", "photo1.png"), ("photo2.png", "photo2.png")):
        (tmp_path / "out/images" / name).write_bytes((photos / source).read_bytes())
    with desk_of(photos, classes=["dot"]) as desk:
        with pytest.raises(WorkError, match=r"photo0\.png: is another picture, which was not labelled here"):
            desk.keep(0, {"boxes": [BOX], "done": True})
        desk.keep(2, {"boxes": [BOX], "done": True})


def test_a_line_that_a_power_cut_left_is_passed_over_and_others_are_said(tmp_path):
    with Journal(tmp_path) as journal:
        journal.keep("a.png", Marks(10, 10, done=True), Content(7, "ab"))
    with (tmp_path / "labels.jsonl").open("a") as file:
        file.write('{"picture": "b.png", "wid')
    with Journal(tmp_path) as journal:
        assert list(journal.marks) == ["a.png"]
        journal.keep("c.png", Marks(10, 10, done=True), Content(7, "cd"))
    with Journal(tmp_path) as journal:
        assert list(journal.marks) == ["a.png", "c.png"]
    with (tmp_path / "labels.jsonl").open("ab") as file:
        file.write('{"class": "größe'.encode()[:-2])  # within a letter
        file.write("ö".encode()[:1])
    with Journal(tmp_path) as journal:
        assert list(journal.marks) == ["a.png", "c.png"]
    (tmp_path / "labels.jsonl").write_text('{"picture": 3}\n{"class": "x"}\n')
    with pytest.raises(DataError, match=r"labels.jsonl:1: is no line of labels"), Journal(tmp_path):
        pass
