"""Debian's mosquitto on a port of its own, that can be stopped and started again; tests and benchmarks use it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAM = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


def has_mosquitto() -> bool:
    """Whether the broker is installed here."""
    return Path(PROGRAM).exists()


class Broker:
    """A broker that keeps its subscribers' sessions over a restart."""

    def __init__(self, folder: Path, *, anonymous: bool = True) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous {str(anonymous).lower()}\nuser root\n"
            f"persistence true\npersistence_location {folder}/\nmax_queued_messages 0\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen; returns when it does."""
        words = [PROGRAM, "-c", str(self._config)]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return
            time.sleep(0.02)
        raise RuntimeError("mosquitto did not start")

    def stop(self) -> None:
        """Stop listening; what sessions wait for is kept in the folder."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
