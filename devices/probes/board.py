"""The board's probe that loop, page and bench read once a second; missing sensors are said, never invented."""

from __future__ import annotations

from pathlib import Path

from edgelens.runtime.loop.board import BoardReading

from .clock import clock_mhz, governor, max_clock_mhz
from .memory import memory
from .power import PowerMeter
from .temperature import temperature_c
from .throttle import Throttling, throttling

__all__ = ["SystemProbe", "board_probe"]


class SystemProbe:
    """Reads this machine's sensors, or those of another tree of files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._power = PowerMeter(root)
        self._events: int | None = None

    def read(self) -> BoardReading:
        """The board as it is now; None stands for a sensor it has not."""
        state = throttling(self.root)
        return BoardReading(
            temperature_c=temperature_c(self.root),
            clock_mhz=clock_mhz(self.root),
            throttled=self._throttled(state),
            power_w=self._power.watts(),
            memory_free_mb=memory(self.root).free_mb,
        )

    def missing(self) -> tuple[str, ...]:
        """What this board cannot tell, in words for people."""
        return tuple(
            name
            for name, there in (
                ("temperature", temperature_c(self.root) is not None),
                ("clock", clock_mhz(self.root) is not None),
                ("throttling", bool(throttling(self.root).source)),
                ("power", self._power.source() is not None),
                ("governor", governor(self.root) is not None),
                ("clock limit", max_clock_mhz(self.root) is not None),
            )
            if not there
        )

    def _throttled(self, state: Throttling) -> bool | None:
        """A counter that grew since the last look is throttling too."""
        grew = state.events is not None and self._events is not None and state.events > self._events
        self._events = state.events
        if state.now is None and state.events is not None:
            return grew
        return True if grew else state.now


def board_probe(root: str | Path = "/") -> SystemProbe:
    """This machine's probe; satisfies `edgelens.runtime.loop.board.BoardProbe`."""
    return SystemProbe(Path(root))
