"""What systemd is told, over a real socket."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edgelens.runtime.loop.sdnotify import SystemdNotifier


def test_systemd_is_told_that_it_is_ready_and_alive(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(1)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        with SystemdNotifier(environment) as notifier:
            notifier.ready("watching")
            assert systemd.recv(200) == b"READY=1\nSTATUS=watching"
            for _ in range(100):
                notifier.alive()
            assert systemd.recv(200) == b"WATCHDOG=1"
            systemd.setblocking(False)
            with pytest.raises(BlockingIOError):
                systemd.recv(200)
            systemd.setblocking(True)
        assert systemd.recv(200) == b"STOPPING=1"


def test_a_name_that_is_no_utf_8_is_told_with_its_bytes(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(1)
        with SystemdNotifier({"NOTIFY_SOCKET": str(tmp_path / "notify")}) as notifier:
            notifier.ready("watching caf\udce9.mp4")
            assert systemd.recv(200) == b"READY=1\nSTATUS=watching caf\\udce9.mp4"


def test_without_systemd_nothing_is_said() -> None:
    with SystemdNotifier({}) as notifier:
        notifier.ready()
        notifier.alive()
    with SystemdNotifier({"NOTIFY_SOCKET": "/nowhere/at/all"}) as notifier:
        notifier.ready()
