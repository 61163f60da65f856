"""Test cameras as processes that can be stalled (SIGSTOP), cut (SIGKILL) and returned."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
GI_PYTHON = "/usr/bin/python3"  # Debian's python3-gi belongs to it


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def has_rtsp(encoder: str = "x264enc") -> bool:
    check = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst; Gst.init(None); "
    check += f"import sys; sys.exit(not Gst.ElementFactory.find('{encoder}'))"
    with contextlib.suppress(OSError):
        return subprocess.run([GI_PYTHON, "-c", check], capture_output=True).returncode == 0
    return False


class Camera:
    """A camera on a port of its own; `kind` is "mjpeg" or "rtsp"."""

    def __init__(self, kind: str, *arguments: str) -> None:
        self.kind, self.arguments, self.port = kind, arguments, free_port()
        path = "stream" if kind == "mjpeg" else "cam"
        self.url = f"{'http' if kind == 'mjpeg' else 'rtsp'}://127.0.0.1:{self.port}/{path}"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        python = sys.executable if self.kind == "mjpeg" else GI_PYTHON
        command = [python, HERE / f"{self.kind}_camera.py", str(self.port), *self.arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.process.stdout.readline()

    def stall(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def cut(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self) -> "Camera":
        self.start()
        return self

    def __exit__(self, *exc) -> None:
        if self.process is not None and self.process.poll() is None:
            self.cut()


def wait_until(condition, seconds: float):
    """The condition's first true value; an error when it stays false."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if value := condition():
            return value
        time.sleep(0.01)
    raise TimeoutError(f"not so within {seconds} s")
