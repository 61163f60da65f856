import contextlib
from typing import Any

import cv2
import numpy as np
import pytest
from scripted import Scripted, picture

from edgelens.runtime.errors import SourceError, UsageError
from edgelens.runtime.sources.catalog import kind_of, open_source
from edgelens.runtime.sources.images import ImageFiles, natural_order
from edgelens.runtime.sources.protocol import SourceContext
from edgelens.runtime.sources.turned import Turned
from edgelens.runtime.sources.v4l2 import V4l2Camera
from edgelens.runtime.sources.video import VideoFile


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 12.5, (64, 48))
    for level in range(0, 200, 10):
        writer.write(picture(level, 48, 64))
    writer.release()
    return path


def test_a_video_gives_every_frame_in_order(clip):
    with VideoFile(str(clip)) as video:
        assert video.fps == pytest.approx(12.5)
        levels = []
        while (frame := video.read()) is not None:
            assert (frame.index, frame.source, frame.path) == (len(levels), str(clip), None)
            assert frame.position_s == pytest.approx(len(levels) / 12.5)
            levels.append(int(frame.image.mean()))
    assert np.abs(np.array(levels) - np.arange(0, 200, 10)).max() <= 2


@pytest.mark.parametrize(
    ("times_s", "fps", "places_s"),
    [
        ((0, 0.1, 0.2, 0.7), 6, [0, 0.1, 0.2, 0.7]),  # frames that stand for different times
        ((0, 0, 0, 0), 25, [0, 0.04, 0.08, 0.12]),  # a bare stream says no times
        ((0, 0, 0, 0), None, [0, None, None, None]),
        ((0, 5, 5, 5.4), 10, [0, 5, 5.1, 5.4]),  # one time said twice is not the begin again
        ((0, 2, 4, 0, 0.5, 1), 10, [0, 2, 4, 4.1, 4.6, 5.1]),  # two recordings in one file
        ((0, 2, 4, 0, 4.4, 4.6), 10, [0, 2, 4, 4.1, 4.4, 4.6]),  # one odd time
    ],
)
def test_a_frame_s_place_is_what_the_file_says_else_what_its_rate_says(times_s, fps, places_s):
    video = VideoFile("x")
    video.fps, video._capture = fps, Timed(times_s)
    assert [video.read().position_s for _ in times_s] == pytest.approx(places_s)


def test_recordings_put_behind_one_another_go_on_at_their_own_rates(tmp_path):
    for name, fps in (("a", 10), ("b", 25)):
        writer = cv2.VideoWriter(str(tmp_path / f"{name}.ts"), cv2.VideoWriter.fourcc(*"mp4v"), fps, (64, 48))
        for level in range(30):
            writer.write(picture(level * 8, 48, 64))
        writer.release()
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join((tmp_path / name).read_bytes() for name in ("a.ts", "b.ts")))
    with VideoFile(str(both)) as video:
        places = [frame.position_s for frame in iter(video.read, None)]
    steps = np.diff(places)
    assert steps[:28] == pytest.approx(0.1, abs=1e-3)
    assert steps[-28:] == pytest.approx(0.04, abs=1e-3)


class Timed:
    """What OpenCV says of a file whose frames have given times."""

    def __init__(self, times_s):
        self._left = list(times_s)

    def read(self):
        return True, picture(9)

    def get(self, what):
        assert what == cv2.CAP_PROP_POS_MSEC
        return self._left.pop(0) * 1000


@pytest.mark.parametrize(("content", "said"), [(b"", "no video"), (b"x" * 5000, "no video")])
def test_what_is_no_video(tmp_path, content, said):
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=said), VideoFile(str(path)) as video:
        video.read()


@pytest.fixture
def photos(tmp_path):
    for name in ("img10.png", "img2.png", "deep/er/a.jpg", "notes.txt", ".hidden.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("no image")
        else:
            cv2.imwrite(str(path), picture(50))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    return tmp_path


def names(source: ImageFiles) -> list[str]:
    found = []
    with source:
        while (frame := source.read()) is not None:
            found.append(frame.path.rpartition("/")[2])
    return found


def test_a_folder_recurses_in_natural_order_and_tells_what_it_could_not_read(photos):
    lines: list[str] = []
    source = ImageFiles(str(photos), complain=lines.append)
    assert names(source) == ["img2.png", "img10.png", "a.jpg"]
    assert source.passed_over == 1
    assert len(lines) == len(source.broken) == 1
    assert "broken.jpg" in lines[0]


def test_a_picture_has_no_place_in_time(photos):
    with ImageFiles(str(photos / "img2.png")) as source:
        assert source.read().position_s is None


@pytest.mark.parametrize("name", ["1²3.png", "4①5.png"])
def test_digits_that_are_no_decimals_are_letters(tmp_path, name):
    for each in (name, "img2.png", "img10.png"):
        (tmp_path / each).write_bytes(cv2.imencode(".png", picture(50))[1].tobytes())
    found = names(ImageFiles(str(tmp_path)))
    assert sorted(found) == sorted((name, "img2.png", "img10.png"))
    assert found.index("img2.png") < found.index("img10.png")


def test_globs_recurse_with_two_stars(photos):
    assert names(ImageFiles(str(photos / "**" / "*.jpg")))[-1:] == ["a.jpg"]
    assert names(ImageFiles(str(photos / "img*.png"))) == ["img2.png", "img10.png"]


def test_a_single_broken_file_is_an_error(photos):
    with pytest.raises(SourceError, match=r"broken\.jpg"):
        names(ImageFiles(str(photos / "broken.jpg")))
    with pytest.raises(SourceError, match="no images there"):
        names(ImageFiles(str(photos / "nothing*.png")))


def test_natural_order():
    assert sorted(["a10", "a9", "b1", "a1b2"], key=natural_order) == ["a1b2", "a9", "a10", "b1"]


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("demo", "demo"), ("0", "v4l2"), ("/dev/video2", "v4l2"), ("csi:0", "csi"), ("rtsp://h/x", "rtsp"),
        ("HTTP://h/x", "mjpeg"), ("https://h/x", "mjpeg"), ("photos/**/*.jpg", "images"), ("x.png", "images"),
    ],
)  # fmt: skip
def test_what_a_name_asks_for(spec, kind):
    assert kind_of(spec) == kind


def test_names_that_ask_for_nothing(clip):
    assert kind_of(str(clip)) == "video"
    assert kind_of(str(clip.parent)) == "images"
    for spec, said in (("ftp://joe:hush@h/x", "no kind of source"), ("nowhere.mp4", "no such file")):
        with pytest.raises(SourceError, match=said) as error:
            kind_of(spec)
        assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    ("flip", "rotate", "corner"),
    [("horizontal", 0, (0, 5)), ("vertical", 0, (3, 0)), ("both", 0, (3, 5)), (None, 90, (0, 3)), (None, 270, (5, 0))],
)
def test_pictures_are_mirrored_then_turned_clockwise(flip, rotate, corner):
    image = picture(0, 4, 6)
    image[0, 0] = 255
    with Turned(Scripted([image]), flip, rotate) as source:
        turned = source.read().image
    assert turned[corner].tolist() == [255, 255, 255]


def test_only_right_angles():
    with pytest.raises(UsageError):
        Turned(Scripted([]), None, 45)


def test_a_camera_that_is_not_there():
    with pytest.raises(SourceError, match="no such camera"), V4l2Camera("/dev/video97"):
        pass


def test_options_reach_the_source(clip):
    source = open_source(str(clip), {"rotate": 90, "size": (1280, 720)}, SourceContext("mine"))
    with source:
        assert source.read().size == (64, 48)
    assert source.name == "mine"


def moving(path, kind, *, disposal=1, size=(64, 48)):
    """A red square that moves over a transparent picture, five times, for .1, .2, .3, .04 and .1 seconds."""
    pil = pytest.importorskip("PIL.Image")
    pictures = []
    for i in range(5):
        picture = np.zeros((size[1], size[0], 4), np.uint8)
        picture[10:30, i * 10 : i * 10 + 8] = (255, 40 * i, 0, 255)
        pictures.append(pil.fromarray(picture))
    more = {"lossless": True} if kind == "webp" else {"disposal": disposal}
    pictures[0].save(path, kind, save_all=True, append_images=pictures[1:], duration=[100, 200, 300, 40, 100], **more)
    return path


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_what_moves_is_a_clip(tmp_path, kind):
    path = moving(tmp_path / f"x.{kind}", kind, disposal=2)
    source: Any = open_source(str(path))
    assert kind_of(str(path)) != "images"
    with source:
        frames = [source.read() for _ in range(6)]
    assert frames[5] is None
    assert [round(frame.position_s, 3) for frame in frames[:5]] == [0, 0.1, 0.3, 0.6, 0.64]
    assert getattr(source, "fps", None) == pytest.approx(5 / 0.74, rel=0.1)
    for i, frame in enumerate(frames[:5]):
        assert frame.image.shape == (48, 64, 3)
        assert abs(frame.image[20, i * 10 + 4].astype(int) - (0, 40 * i, 255)).max() <= 8
        assert frame.image[20, (i * 10 + 24) % 60].max() == frame.image[20, (i * 10 + 24) % 60].min(), "nothing is left"


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_one_picture_is_no_clip_and_in_a_folder_the_first_is_looked_at_and_said(tmp_path, kind):
    pil = pytest.importorskip("PIL.Image")
    pil.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(tmp_path / f"a.{kind}", kind)
    assert kind_of(str(tmp_path / f"a.{kind}")) == "images"
    moving(tmp_path / f"b.{kind}", kind)
    said = []
    with open_source(str(tmp_path), context=SourceContext(complain=said.append)) as source:
        frames = [source.read() for _ in range(3)]
    assert frames[1] is not None
    assert frames[2] is None
    assert said == [f"{tmp_path}/b.{kind}: moves; its first picture is looked at: for all of them name it alone"]


def test_a_moving_picture_that_is_damaged_is_one_line(tmp_path):
    whole = moving(tmp_path / "x.webp", "webp").read_bytes()
    chance = np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(whole)
        for at in chance.integers(30, len(data), 4):
            data[at] = chance.integers(256)
        (tmp_path / "y.webp").write_bytes(data[: chance.integers(40, len(data) + 1)])
        with contextlib.suppress(SourceError), open_source(str(tmp_path / "y.webp")) as source:
            while source.read() is not None:
                pass
