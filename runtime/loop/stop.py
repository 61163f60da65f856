"""SIGINT, SIGTERM, and SIGHUP of a terminal that closed, as a wish to end, seen by the loop between two frames."""

from __future__ import annotations

import os
import signal
from types import FrameType

__all__ = ["StopOnSignals"]

_NUMBERS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]


class StopOnSignals:
    """While entered, the first signal is remembered and a second one ends the process at once."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, signal._HANDLER] = {}

    def __call__(self) -> bool:
        """Whether the run is to end."""
        return self.received is not None

    def request(self) -> None:
        """End the run as SIGTERM does: the window was closed."""
        self.received = self.received or signal.SIGTERM

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 0 after SIGTERM (a service that is asked to stop has done well), SIGHUP or none."""
        return 130 if self.received == signal.SIGINT else 0

    def __enter__(self) -> StopOnSignals:
        for number in _NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` ignores, and is to be heeded
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.received is not None:
            os._exit(128 + number)
        self.received = number
