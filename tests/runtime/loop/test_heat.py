"""Heat lowers the rate; the board is read from the kernel's files, as on a real one."""

from __future__ import annotations

from pathlib import Path

from edgelens.runtime.loop.board import BoardReading
from edgelens.runtime.loop.heat import HeatLimit, HeatPolicy


class Board:
    """A board with the kernel's thermal files, as the emulated ones have them."""

    def __init__(self, root: Path) -> None:
        self.zone = root / "sys/class/thermal/thermal_zone0"
        self.zone.mkdir(parents=True)
        (self.zone / "type").write_text("cpu-thermal\n")
        self.heat(50)
        self.root = root

    def heat(self, celsius: float) -> None:
        (self.zone / "temp").write_text(f"{celsius * 1000:.0f}\n")

    def read(self) -> BoardReading:
        from edgelens.devices.probes.temperature import temperature_c

        return BoardReading(temperature_c=temperature_c(self.root))


def test_heat_lowers_the_rate_in_steps_and_cooling_raises_it_again(tmp_path: Path) -> None:
    board, now, said = Board(tmp_path), [0.0], []
    policy = HeatPolicy(limit_c=80, recover_below_c=5, factor=0.5, full_fps=20, least_fps=2, step_s=5)
    limit = HeatLimit(board, policy, say=said.append, clock=lambda: now[0])

    def after(seconds: float, celsius: float) -> float | None:
        board.heat(celsius)
        for _ in range(int(seconds)):
            now[0] += 1
            allowed = limit.fps()
        return allowed

    assert after(20, 79) is None
    assert after(1, 80) == 10
    assert after(3, 85) == 10, "heat answers slowly: one step at a time"
    assert after(3, 85) == 5
    assert after(30, 85) == 2, "never below the least"
    assert after(30, 78) == 2, "between the two temperatures nothing swings"
    assert after(3, 70) == 4
    assert after(30, 70) is None
    assert len(said) == 8, said
    assert "80 °C" in said[0]
    assert "full speed" in said[-1]


def test_throttling_counts_as_heat() -> None:
    class Throttled:
        def read(self) -> BoardReading:
            return BoardReading(throttled=True)

    assert HeatLimit(Throttled(), HeatPolicy(full_fps=30, factor=0.5)).fps() == 15


def test_a_board_without_sensors_is_never_slowed() -> None:
    class Blind:
        def read(self) -> BoardReading:
            return BoardReading()

    assert HeatLimit(Blind()).fps() is None
