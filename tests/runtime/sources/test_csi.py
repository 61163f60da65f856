"""`csi:0` with stand-ins that emit the bytes which the boards' programs emit."""

import stat
import sys
import textwrap
import time

import numpy as np
import pytest

from edgelens.runtime.errors import SourceError
from edgelens.runtime.sources.csi import CsiCamera
from edgelens.runtime.sources.options.camera import CameraOptions

VGA = CameraOptions((640, 480), 30)
STAND_IN = """
    #!{python}
    import os, sys, time
    import cv2, numpy as np
    words = sys.argv[1:]
    open({seen!r}, "w").write(" ".join(words))
    out = sys.stdout.buffer
    {body}
"""
RASPBERRY = """
    at = lambda name: words[words.index(name) + 1]
    width, height = int(at("--width")), int(at("--height"))
    for n in range(5):
        image = np.full((height, width, 3), (0, 0, 200), np.uint8)
        image[:, : width // 2] = (200, 0, 0)
        if at("--codec") == "yuv420":
            out.write(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).tobytes())
        else:
            out.write(cv2.imencode(".jpg", image)[1].tobytes())
        out.flush()
        time.sleep(0.02)
    {end}
"""
JETSON = """
    text = " ".join(words)
    width, height = (int(text.split(name + "=")[1].split(",")[0].split()[0]) for name in ("width", "height"))
    out.write(b"GST_ARGUS: Creating output stream\\nCONSUMER: Waiting until producer is connected...\\n")
    for n in range(3):
        luma, chroma = np.full(width * height, 60 + n, np.uint8), np.full(width * height // 2, 128, np.uint8)
        out.write(luma.tobytes() + chroma.tobytes())
    out.flush()
    time.sleep(5)
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(name: str, body: str, end: str = "time.sleep(5)"):
        path, seen = tmp_path / name, tmp_path / "words"
        text = textwrap.dedent(STAND_IN).strip()
        lines = textwrap.dedent(body).strip().replace("{end}", end)
        path.write_text(text.format(python=sys.executable, seen=str(seen), body=lines))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return seen

    return make


def test_raw_pictures_of_a_raspberry_pi(program):
    seen = program("rpicam-vid", RASPBERRY)
    with CsiCamera("csi:1", VGA) as camera:
        frames = [camera.read() for _ in range(3)]
    assert all(frame.size == (480, 640) for frame in frames)
    left, right = frames[0].image[200, 100].astype(int), frames[0].image[200, 600].astype(int)
    assert np.abs(left - (200, 0, 0)).max() < 6
    assert np.abs(right - (0, 0, 200)).max() < 6
    assert [frame.index for frame in frames] == [0, 1, 2]
    words = seen.read_text()
    assert "--camera 1" in words
    assert "--codec yuv420" in words


def test_widths_that_would_be_padded_come_as_jpeg(program):
    seen = program("libcamera-vid", RASPBERRY)
    with CsiCamera("csi:0", CameraOptions((720, 480), 30)) as camera:
        assert camera.read().size == (480, 720)
    assert "--codec mjpeg" in seen.read_text()


def test_a_jetson_s_pictures_behind_what_its_driver_prints(program):
    program("gst-launch-1.0", JETSON)
    with CsiCamera("csi:0", CameraOptions((320, 240), 30)) as camera:
        levels = [int(camera.read().image[120, 160].mean()) for _ in range(3)]
    assert levels[1] - levels[0] in (1, 2)
    assert levels[2] - levels[1] in (1, 2)


def test_a_program_that_ends_is_said_with_its_last_words(program):
    program("rpicam-vid", RASPBERRY, end='sys.exit("ERROR: *** no cameras available ***")')
    with (
        CsiCamera("csi:0", VGA) as camera,
        pytest.raises(SourceError, match="no cameras available"),
    ):
        while camera.read():
            pass


def test_a_program_that_says_a_line_a_picture_is_never_kept_waiting(program):
    says = 'sys.stderr.write("#1 fps 30 " * 2000 + chr(10))'
    program("rpicam-vid", RASPBERRY.replace("out.flush()", f"out.flush(); {says}"))
    with CsiCamera("csi:0", VGA) as camera:
        assert [camera.read().index for _ in range(5)] == [0, 1, 2, 3, 4]  # 20 kB each, and a pipe holds 64


def test_a_read_that_waits_can_be_interrupted(program):
    import threading

    program("rpicam-vid", "time.sleep(30)")
    with CsiCamera("csi:0", VGA) as camera:
        threading.Timer(0.3, camera.interrupt).start()
        start = time.monotonic()
        with pytest.raises(SourceError):
            camera.read()
        assert time.monotonic() - start < 2


def test_a_board_without_camera_program(program):
    with pytest.raises(SourceError, match="needs rpicam-vid"), CsiCamera("csi:0", VGA):
        pass
