"""Files that were not copied whole: said when they are opened, and never of one that is whole."""

import cv2
import pytest
from scripted import picture

from edgelens.runtime.sources.catalog import open_source
from edgelens.runtime.sources.cut_short import said_of_cut
from edgelens.runtime.sources.protocol import SourceContext


@pytest.fixture(params=[("avi", "MJPG"), ("mkv", "MJPG"), ("mp4", "mp4v")], ids=lambda kind: kind[0])
def clip(request, tmp_path):
    suffix, codec = request.param
    path = tmp_path / f"clip.{suffix}"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 12.5, (640, 480))
    for level in range(0, 250, 5):
        writer.write(cv2.circle(picture(level, 480, 640), (level, 200), 90, (0, 0, 255), -1))
    writer.release()
    return path


def test_a_whole_file_is_said_to_be_nothing(clip):
    assert said_of_cut(str(clip)) is None
    with clip.open("ab") as stream:  # what some tools leave behind it
        stream.write(b"\0" * 5)
    assert said_of_cut(str(clip)) is None


@pytest.mark.parametrize("part", [0.5, 0.98])
def test_a_file_that_is_cut_short_is_said_to_be(clip, part):
    size = clip.stat().st_size
    with clip.open("rb+") as stream:
        stream.truncate(int(size * part))
    said = []
    open_source(str(clip), context=SourceContext(complain=said.append))
    assert len(said) == 1
    assert said[0].startswith(f"{clip}: is cut short")
    assert said[0].endswith("what can be read of them is looked at")


def test_what_is_written_without_a_length_is_not_accused(tmp_path):
    live = tmp_path / "live.mkv"  # an EBML head of no bytes, and a segment of unknown length
    live.write_bytes(b"\x1a\x45\xdf\xa3\x80" + b"\x18\x53\x80\x67" + b"\x01" + b"\xff" * 7 + b"rest")
    assert said_of_cut(str(live)) is None
    assert said_of_cut(str(tmp_path / "nowhere.mp4")) is None
    (tmp_path / "empty.avi").write_bytes(b"")
    assert said_of_cut(str(tmp_path / "empty.avi")) is None
