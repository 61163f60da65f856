"""Videos that browsers play, of any shape, with the time of every picture, whatever the disk does."""

from __future__ import annotations

import base64
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from small_disk import SmallDisk

from edgelens.runtime.sinks.video import choice, constant_rate
from edgelens.runtime.sinks.video.choice import opened, played_by_browsers
from edgelens.runtime.sinks.video.webm import WebmFile


def picture(number: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), 20 * number % 256, np.uint8)


def shown(path: Path) -> list[tuple[float, int]]:
    """When each picture is shown, in seconds, and its gray."""
    capture, found = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG), []
    while (got := capture.read())[0]:
        found.append((capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3, int(got[1].mean())))
    capture.release()
    return found


def write(path: Path, *moments: float, end: float | None = None) -> None:
    video = opened(path, picture(0), 10.0, threads=2)
    for number, moment in enumerate(moments):
        video.add(picture(number), moment)
    video.finish(end)


def test_every_picture_has_its_time(tmp_path: Path) -> None:
    moments = [0.0, 0.1, 0.25, 3.7, 3.75, 61.0]
    write(tmp_path / "x.webm", *moments, end=62)
    found = shown(tmp_path / "x.webm")
    assert [moment for moment, _ in found] == pytest.approx(moments, abs=0.002)
    assert [gray for _, gray in found] == pytest.approx([20 * i for i in range(6)], abs=3)


@pytest.mark.parametrize(("end", "length_s"), [(5.7, 5.7), (None, 7.2), (5.0, 5.601)])
def test_the_last_picture_stays_until_the_end_that_was_said(tmp_path: Path, end: float | None, length_s: float) -> None:
    write(tmp_path / "x.webm", 0.0, 4.0, 5.6, end=end)
    data = (tmp_path / "x.webm").read_bytes()
    said = data.index(b"\x44\x89") + 10  # Duration, behind its id and its size
    assert struct.unpack(">d", data[said : said + 8])[0] == pytest.approx(length_s * 1e3)


@pytest.mark.parametrize("size", [(4000, 1), (1, 700), (3, 5), (17000, 20), (640, 2)])
def test_odd_shapes(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    path = played_by_browsers(tmp_path / "x.mp4", size)
    video = opened(path, picture(1, height, width), 10.0)
    for i in range(3):
        video.add(picture(i, height, width), i / 10)
    video.finish()
    assert len(shown(path)) == 3


def test_what_a_killed_process_leaves_plays(tmp_path: Path) -> None:
    path = tmp_path / "x.webm"
    script = f"""
import os, numpy as np
from pathlib import Path
from edgelens.runtime.sinks.video.webm import WebmFile
video = WebmFile(Path({str(path)!r}), (64, 48))
for i in range(60):
    video.add(np.full((48, 64, 3), 90, np.uint8), i / 10)
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == 9
    assert len(shown(path)) >= 40


def test_a_full_disk_takes_back_what_it_cannot_keep_and_goes_on(small_disk: SmallDisk) -> None:
    path = small_disk.folder / "x.webm"
    noise = np.random.default_rng(0).integers(0, 256, (8, 60, 80, 3), np.uint8)
    video = WebmFile(path, (80, 60))
    for i in range(30):
        video.add(noise[i % 8], i / 10)
    small_disk.fill()
    failed = 0
    for i in range(30, 90):
        try:
            video.add(noise[i % 8], i / 10)
        except OSError:
            failed += 1
    assert failed >= 4
    small_disk.empty()
    for i in range(90, 120):
        video.add(noise[i % 8], i / 10)
    video.finish()
    found = shown(path)
    assert found[-1][0] == pytest.approx(11.9, abs=0.01)
    assert video.lost + len(found) == 120
    assert video.lost >= 40


def test_h264_where_there_is_an_encoder_else_vp8_found_by_trying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    choice._can_write.cache_clear()
    monkeypatch.setitem(choice._OPENCV, ".mp4", "mp4v")  # any encoder that this OpenCV does have
    path = played_by_browsers(tmp_path / "x.mp4", (64, 48))
    assert path.name == "x.mp4"
    write(path, 0.0, 0.1, 0.5, end=0.7)
    assert len(shown(path)) == 7, "a picture is shown for as long as it stood"
    choice._can_write.cache_clear()
    monkeypatch.setitem(choice._OPENCV, ".mp4", "none")
    assert played_by_browsers(tmp_path / "x.mp4", (64, 48)).name == "x.webm"
    choice._can_write.cache_clear()
    assert played_by_browsers(tmp_path / "x.avi", (64, 48)).name == "x.avi"
    assert list(tmp_path.iterdir()) == [path]
    assert capfd.readouterr().err == ""


def test_a_constant_rate_is_kept_where_the_disk_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = constant_rate.ConstantRateFile(tmp_path / "x.avi", (64, 48), 10.0, "MJPG")
    video.add(picture(1), 0.0)
    monkeypatch.setattr(constant_rate, "SPARE_BYTES", 2**60)
    with pytest.raises(OSError, match="No space left"):
        video.add(picture(2), 0.1)
    monkeypatch.setattr(constant_rate, "SPARE_BYTES", 0)
    video.add(picture(3), 0.5)
    video.finish()
    assert len(shown(tmp_path / "x.avi")) == 6


@pytest.mark.browser
def test_a_browser_plays_and_seeks_it(tmp_path: Path, chromium: Any) -> None:
    path = played_by_browsers(tmp_path / "x.mp4", (64, 48))
    write(path, *(i / 10 for i in range(60)), end=6)
    data = base64.b64encode(path.read_bytes()).decode()
    kind = "webm" if path.suffix == ".webm" else "mp4"
    page = chromium.new_page()
    page.set_content(f'<video muted src="data:video/{kind};base64,{data}"></video>')
    found = page.evaluate(
        """async () => { const v = document.querySelector('video');
        if (v.readyState < 2) await new Promise((done, bad) => {
          v.onloadeddata = done; v.onerror = () => bad(v.error.message); });
        v.currentTime = 4.55; await new Promise((done) => { v.onseeked = done; });
        const c = document.createElement('canvas'); c.width = 64; c.height = 48;
        const g = c.getContext('2d'); g.drawImage(v, 0, 0);
        return [v.duration, v.videoWidth, v.currentTime, g.getImageData(30, 20, 1, 1).data[0]]; }"""
    )
    page.close()
    assert found[0] == pytest.approx(6, abs=0.11)
    assert found[1:3] == [64, 4.55]
    assert found[3] == pytest.approx(20 * 45 % 256, abs=4)
