"""What matters to streams, services and signatures: the clock and the ports."""

from __future__ import annotations

import ctypes
import socket
from pathlib import Path

from .finding import Finding, note, ok, warn

__all__ = ["check_network"]

_PORTS = {8080: "the live page"}
_UNSYNCHRONIZED = 0x40  # STA_UNSYNC of adjtimex


def check_network(root: Path) -> list[Finding]:
    """Clock synchronisation, and whether the kit's ports are free."""
    return [_clock(root), *(_port(port, what) for port, what in _PORTS.items())]


def _clock(root: Path) -> Finding:
    if (root / "run/systemd/timesync/synchronized").exists():
        return ok("clock", "synchronized by systemd-timesyncd")
    status = _kernel_clock()
    if status is None:
        return note("clock", "not told here", "results carry wall-clock times: `timedatectl` says whether it is set")
    if status & _UNSYNCHRONIZED:
        return warn("clock", "not synchronized", "`sudo timedatectl set-ntp true`: results and clips carry its time")
    return ok("clock", "synchronized")


def _kernel_clock() -> int | None:
    """The kernel's own word; struct timex has its status as the sixth long-aligned field."""
    try:
        buffer = (ctypes.c_long * 64)()
        if ctypes.CDLL(None, use_errno=True).adjtimex(buffer) < 0:
            return None
    except (OSError, AttributeError):
        return None
    return int(buffer[5]) & 0xFFFFFFFF


def _port(port: int, what: str) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return note(
                "ports", f"{port} is taken, {what} would use it", f"run with --preview {port + 1}, or stop that"
            )
    return ok("ports", f"{port} is free for {what}")
