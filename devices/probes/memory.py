"""How much memory there is, is free, and is swapped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .files import read_text

__all__ = ["Memory", "memory"]


@dataclass(frozen=True)
class Memory:
    """Megabytes (2^20 bytes); None where /proc/meminfo is not there."""

    total_mb: float | None = None
    free_mb: float | None = None  # what programs could still take without swapping
    swap_mb: float | None = None
    swap_used_mb: float | None = None


def memory(root: Path) -> Memory:
    """/proc/meminfo in megabytes."""
    kb: dict[str, float] = {}
    for line in (read_text(root, "proc/meminfo") or "").splitlines():
        name, _, rest = line.partition(":")
        if rest.split()[:1] and rest.split()[0].isdigit():
            kb[name] = float(rest.split()[0]) / 1024
    used = kb["SwapTotal"] - kb["SwapFree"] if {"SwapTotal", "SwapFree"} <= set(kb) else None
    return Memory(kb.get("MemTotal"), kb.get("MemAvailable"), kb.get("SwapTotal"), used)
