"""Telling systemd that the service is ready and that frames still flow; silent where systemd did not start it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

__all__ = ["SystemdNotifier"]


class SystemdNotifier:
    """Speaks the sd_notify protocol on $NOTIFY_SOCKET; a context manager.

    `alive` is called with every processed frame and feeds the watchdog at most twice a watchdog period: a loop that
    stops processing stops feeding, and systemd restarts the service.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        env = os.environ if environment is None else environment
        self._address = env.get("NOTIFY_SOCKET", "")
        mine = env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        micros = env.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(micros) / 1e6 if mine and micros.isdigit() else None
        self._socket: socket.socket | None = None
        self._fed = 0.0

    @property
    def asked(self) -> bool:
        """Whether systemd started this process and wants to hear from it."""
        return bool(self._address)

    def ready(self, text: str = "") -> None:
        """The service does its work from now on."""
        self._send("READY=1" + (f"\nSTATUS={text}" if text else ""))

    def say(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send("STATUS=" + text.replace("\n", " "))

    def alive(self) -> None:
        """Work was done just now."""
        now = time.monotonic()
        if self.watchdog_s is not None and now - self._fed >= self.watchdog_s / 3:
            self._fed = now
            self._send("WATCHDOG=1")

    def __enter__(self) -> SystemdNotifier:
        if self._address.startswith(("/", "@")):
            import socket  # a run that no systemd started does not wait for this import

            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._socket is not None:
            self._send("STOPPING=1")
            self._socket.close()
            self._socket = None

    def _send(self, text: str) -> None:
        if self._socket is not None:
            address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
            with contextlib.suppress(OSError):  # systemd is not there any more: nothing that work should stop for
                self._socket.sendto(text.encode("utf-8", "backslashreplace"), address)
