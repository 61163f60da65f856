"""What a board says of itself while it works: heat, clock, throttling, memory, power."""

from .board import SystemProbe, board_probe

__all__ = ["SystemProbe", "board_probe"]
