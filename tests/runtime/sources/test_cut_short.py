"""Files that were not copied whole: said when they are opened, and never of one that is whole."""

import cv2
import numpy as np
import pytest
from scripted import picture

from edgelens.runtime.sources.catalog import open_source
from edgelens.runtime.sources.cut_short import pictures_before_cut, said_of_cut
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


def colours(path, *, count=6):
    """A GIF of noise, each picture with a bar of its own colour."""
    pil = pytest.importorskip("PIL.Image")
    chance = np.random.default_rng(0)
    pictures = []
    for i in range(count):
        image = chance.integers(0, 256, (48, 64, 3), np.uint8)
        image[:, :8] = (255, 40 * i, 0)
        pictures.append(pil.fromarray(image))
    pictures[0].save(path, "GIF", save_all=True, append_images=pictures[1:], duration=100)
    return path


def shown(path):
    said = []
    with open_source(str(path), context=SourceContext(complain=said.append)) as source:
        frames = iter(source.read, None)
        return [frame.image for frame in frames], said


@pytest.mark.parametrize("part", [0.995, 0.9, 0.6, 0.2])
def test_of_a_gif_that_is_cut_short_the_whole_pictures_are_shown_and_the_end_is_said_once(tmp_path, part):
    path = colours(tmp_path / "x.gif")
    whole, said = shown(path)
    assert (len(whole), said) == (6, [])
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    pictures, said = shown(path)
    assert 1 <= len(pictures) == int(part * 6)
    assert all((one == other).all() for one, other in zip(pictures, whole, strict=False))
    assert said == [f"{path}: is cut short; the pictures that are whole are looked at, {len(pictures)} of them"]


def test_a_gif_with_something_behind_its_end_or_in_its_blocks_is_not_accused(tmp_path):
    path = colours(tmp_path / "x.gif", count=3)
    data = path.read_bytes()
    path.write_bytes(data + b"\0" * 40)
    assert pictures_before_cut(str(path)) == (None, None)
    for name, odd in (
        ("empty.gif", b""),
        ("head.gif", b"GIF89a"),
        ("text.gif", b"a text"),
        ("noise.gif", data[:40] + b"\x07" * 99),
    ):
        (tmp_path / name).write_bytes(odd)
        pictures_before_cut(str(tmp_path / name))
    assert pictures_before_cut(str(tmp_path / "nowhere.gif")) == (None, None)
    assert pictures_before_cut(str(tmp_path / "text.gif")) == (None, None)
