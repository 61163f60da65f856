"""Names that are no UTF-8: OpenCV, which would crash over them, is never given one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from one_line import one_line

from edgelens.runtime.datasets.clips import frames_of
from edgelens.runtime.errors import UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.host.utf8 import escaped, opencv_path
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.annotated import annotated
from edgelens.runtime.sinks.video.choice import played_by_browsers
from edgelens.runtime.sinks.video.constant_rate import plays
from edgelens.runtime.sources.credentials import parse_address
from edgelens.runtime.sources.video import VideoFile

CAFE = b"caf\xe9".decode("utf-8", "surrogateescape")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "cafe.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    writer.write(np.full((48, 64, 3), 90, np.uint8))
    writer.release()
    return path.rename(tmp_path / f"{CAFE}.avi")


def test_a_name_is_written_with_escapes_and_any_other_is_left_as_it_is() -> None:
    assert (escaped(CAFE), escaped("café \\ 猫")) == (r"caf\udce9", "café \\ 猫")
    assert opencv_path(Path("café.avi")) == "café.avi"


OPENED: dict[str, Callable[[Path], object]] = {
    "a source": lambda clip: VideoFile(str(clip)).__enter__(),
    "photos of a data set": frames_of,
    "what is written": lambda clip: annotated(str(clip), lambda _: 25.0).__enter__(),
    "what is written of several": lambda clip: annotated(str(clip), lambda _: 25.0, several=True).__enter__(),
    "what was written": lambda clip: plays(clip, 1),
}


@pytest.mark.parametrize("how", OPENED)
def test_a_video_of_such_a_name_is_refused_in_a_line(clip: Path, how: str) -> None:
    with pytest.raises(UsageError) as refused:
        OPENED[how](clip)
    one_line(refused.value, r"caf\udce9.avi", "rename it")


def test_a_camera_s_address_of_such_a_name_is_refused() -> None:
    with pytest.raises(UsageError, match="is no address that can be read"):
        parse_address(f"rtsp://joe:hush@cam/{CAFE}")


def test_a_video_for_browsers_is_of_the_kind_that_needs_no_opencv(tmp_path: Path) -> None:
    path = tmp_path / f"{CAFE}.mp4"
    assert played_by_browsers(path, (64, 48)) == path.with_suffix(".webm")
    sink = annotated(str(path), lambda _: 25.0)
    with sink:
        sink.write(Result(Frame(np.zeros((48, 64, 3), np.uint8)), Recognitions.nothing(("a",), "classify")))
    assert path.with_suffix(".webm").stat().st_size > 0


def test_the_cache_of_videos_frames_may_lie_in_such_a_folder(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / CAFE))
    assert list(frames_of(clip.rename(tmp_path / "plain.avi"))) == [0]
