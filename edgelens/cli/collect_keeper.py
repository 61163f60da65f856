"""What keeps the photos of `edgelens collect`: where the disk is full it waits for room, as every other sink does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from edgelens.runtime.live.shared.collect import Collector, FullDiskError

if TYPE_CHECKING:
    from edgelens.runtime.frame import Frame
    from edgelens.runtime.preprocess import Region

__all__ = ["Keeper"]

FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 5.0  # before the disk is tried again
LOOK_UP_S = 0.1


class Keeper:
    """Keeps photos, and says of each how many there are. `over` tells when it is not to wait any longer."""

    def __init__(self, collector: Collector, region: Region | None, over: Callable[[], bool]) -> None:
        self.region, self._collector, self._over = region, collector, over
        self._taken: dict[str, int] = {}

    def keep(self, frame: Frame, label: str, count: int) -> None:
        """Write a photo and say so; FullDiskError where there is no room in time."""
        kept = self._kept(frame, label)
        self._taken[label] = self.taken(label) + 1
        click.echo(f"{self.taken(label)}/{count}  {self._collector.folder / label / str(kept['file'])}", err=True)

    def taken(self, label: str) -> int:
        """Photos of a label in this sitting."""
        return self._taken.get(label, 0)

    def total(self, label: str) -> int:
        """Photos of a label in its folder."""
        return self._collector.count(label)

    def _kept(self, frame: Frame, label: str) -> dict[str, object]:
        from edgelens.runtime.recognitions import Recognitions
        from edgelens.runtime.result import Result

        wait_s = 0.0
        while True:
            try:
                kept = self._collector.keep(Result(frame, Recognitions.nothing()), label, self.region)
            except FullDiskError as error:
                if self._over():
                    raise
                if not wait_s:
                    click.echo(f"{error}; this photo waits for room", err=True)
                wait_s = min(2 * wait_s or FIRST_WAIT_S, LONGEST_WAIT_S)
                self._wait(wait_s)
            else:
                if wait_s:
                    click.echo("there is room again", err=True)
                return kept

    def _wait(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not self._over():
            time.sleep(LOOK_UP_S)
