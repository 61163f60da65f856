"""What a fuzzer is: a context that makes one odd input after another and gives each to the kit."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Attempt", "Fuzzer"]

# Makes one input with this generator alone and gives it to the kit. Refusing it (EdgelensError) is right, and so is
# taking it; any other exception is a finding, an AssertionError of the attempt's own too. It returns what the kit said.
Attempt = Callable[[random.Random], "str | None"]


@dataclass(frozen=True)
class Fuzzer:
    """One kind of input; `opened` gets an empty folder and owns what the attempts share (a server, a good bundle)."""

    opened: Callable[[Path], AbstractContextManager[Attempt]]
    secrets: tuple[str, ...] = ()  # words in the inputs that must stand in nothing that is said
    most_mb: int = 500
    most_s: float = 5.0  # for one input
