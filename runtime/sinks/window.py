"""A window on this machine's screen; Escape or q ends the run."""

from __future__ import annotations

from collections.abc import Callable

import cv2

from ..errors import UsageError
from ..host.utf8 import escaped
from ..result import Result
from .overlay import drawn
from .protocol import Notice

__all__ = ["Window"]

HINT = "use the live page (--preview), or install opencv-python in place of opencv-python-headless"


class Window:
    """Shows annotated frames; OpenCV's windows belong to the thread that opens them: it opens at the first result."""

    name = "window"

    def __init__(self, closed: Callable[[], None]) -> None:
        self._closed = closed
        self._names: set[str] = set()

    def write(self, result: Result) -> None:
        """Show one result."""
        title = escaped(f"edgelens {result.frame.source}")
        cv2.imshow(title, drawn(result))
        self._names.add(title)
        gone = cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1
        if cv2.waitKey(1) & 0xFF in (27, ord("q")) or gone:
            self._closed()

    def notice(self, notice: Notice) -> None:
        """The command line tells what happened to sources."""

    def __enter__(self) -> Window:
        if not has_windows():
            raise UsageError(f"--window: this OpenCV has no windows, or there is no screen: {HINT}")
        return self

    def __exit__(self, *exc: object) -> None:
        for name in self._names:
            cv2.destroyWindow(name)


def has_windows() -> bool:
    """Whether this OpenCV was built with windows and a screen is there."""
    import os

    line = next((x for x in cv2.getBuildInformation().splitlines() if x.strip().startswith("GUI:")), "NONE")
    return "NONE" not in line and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
