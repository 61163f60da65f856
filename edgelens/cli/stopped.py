"""SIGTERM, and SIGHUP of a terminal that closed, end the command line in order as Ctrl-C does.

A verb with a loop of its own (`run`, `serve`) sees them first, by `runtime/loop/stop.py`.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

__all__ = ["StoppedError", "end_as_stopped", "stop_in_order"]

_NUMBERS = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]


class StoppedError(KeyboardInterrupt):
    """A signal asked for the end; what puts things away at Ctrl-C does it now, too."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def stop_in_order() -> None:
    """From now on these signals raise StoppedError, once; a second one ends the process at once."""
    if os.environ.get("WORLD_SIZE", "1") != "1":
        return  # torchrun ends its processes by SIGTERM, which one that waits for the others would never come to see
    owner = os.getpid()

    def receive(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != owner:  # a fork has nothing of ours to put away
            os.kill(os.getpid(), number)
        raise StoppedError(number)

    for number in _NUMBERS:
        if signal.getsignal(number) is signal.SIG_DFL:  # `nohup` ignores, and is to be heeded
            signal.signal(number, receive)


def end_as_stopped(number: int) -> NoReturn:
    """End as a signal ends a process: a shell, systemd and `timeout` tell that from an exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # the terminal that closed
            continue
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    sys.exit(128 + number)
