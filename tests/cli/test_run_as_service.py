"""`edgelens run` as systemd starts it: a camera that is away is looked for, no reason to be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cameras import Camera


class Service:
    """The verb under a notify socket, with a watchdog of half a second."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ears.bind(str(folder / "notify"))
        self.ears.settimeout(30)
        environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "500000"}
        command = [sys.executable, "-m", "edgelens", "run", "--no-preview", "--quiet", *words]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    def hears(self, words: str) -> list[str]:
        """All lines up to one with these words."""
        heard: list[str] = []
        while True:
            heard += self.ears.recv(4096).decode().splitlines()
            if any(words in line for line in heard):
                return heard

    def stop(self) -> tuple[int, str]:
        """How it ends when it is asked to, and what it said."""
        self.process.send_signal(signal.SIGTERM)
        said = self.process.communicate(timeout=20)[1]
        self.ears.close()
        return self.process.returncode, said


@pytest.fixture
def camera() -> Iterator[Camera]:
    camera = Camera("mjpeg")
    yield camera
    camera.__exit__()


def test_a_camera_that_comes_later_and_goes_again(tmp_path: Path, camera: Camera) -> None:
    service = Service(tmp_path, "--source", camera.url)
    first = service.hears("READY=1")
    assert any(line.startswith("STATUS=") and "trying again" in line for line in first)  # it says why it sees nothing
    for _ in range(3):
        service.hears("WATCHDOG=1")
    camera.start()
    service.hears("STATUS=recognizing")
    camera.cut()
    service.hears("opening it again")
    for _ in range(3):
        service.hears("WATCHDOG=1")
    code, said = service.stop()
    assert code == 0, said
    assert "Traceback" not in said


def test_a_camera_that_stays_away_is_no_failure_of_a_service(tmp_path: Path, camera: Camera) -> None:
    service = Service(tmp_path, "--source", camera.url)
    service.hears("READY=1")
    assert service.stop()[0] == 0


def test_for_a_person_it_is_a_mistake_said_at_once(camera: Camera) -> None:
    words = [sys.executable, "-m", "edgelens", "run", "--no-preview", "--source", camera.url]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("edgelens: ")


def test_a_capture_that_hangs_feeds_no_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    from scripted import Scripted, picture

    from edgelens.runtime.loop import feeds as module

    monkeypatch.setattr(module, "STUCK_S", 0.3)
    source = Scripted([60.0, picture()], live=True)  # opened, and then nothing
    with module.Feeds([source], print, patient=True) as feeds:
        assert feeds.tried
        ends = time.monotonic() + 10
        while feeds.tried and time.monotonic() < ends:
            time.sleep(0.02)
        assert not feeds.tried
