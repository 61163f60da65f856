"""What was learned on this machine: the winner of each bundle's engine search, kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..bundle.manifest import Network
from ..engines.machine import cache_folder, machine
from ..errors import EdgelensError
from ..host.owned import read_own, write_own

__all__ = ["Measured", "Remembered", "recall", "remember"]


@dataclass(frozen=True)
class Measured:
    """One candidate of the search; `ms` is None where it could not run."""

    path: str
    engine: str
    precision: str
    threads: int
    accelerators: tuple[str, ...] = ()
    ms: float | None = None
    problem: str = ""


@dataclass(frozen=True)
class Remembered:
    """The winner, and the table it won in."""

    winner: Measured
    table: tuple[Measured, ...]


def recall(network: Network) -> Remembered | None:
    """What was measured for this network here; None where nothing was, or it no longer fits."""
    try:
        plain = json.loads(read_own(_place(network)))
        table = tuple(_measured(row) for row in plain["table"])
        winner = _measured(plain["winner"])
    except (OSError, EdgelensError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return Remembered(winner, table) if winner.path in {file.path for file in network.files} else None


def remember(network: Network, winner: Measured, table: Sequence[Measured]) -> bool:
    """Keep a winner; False where the cache folder cannot be written, which is no reason to stop."""
    text = json.dumps({"winner": asdict(winner), "table": [asdict(row) for row in table]}, indent=1)
    try:
        write_own(_place(network), text.encode())
    except (OSError, EdgelensError):
        return False
    return True


def _place(network: Network) -> Path:
    hashes = "\n".join(f"{file.path} {file.sha256}" for file in network.files)
    return cache_folder() / f"{hashlib.sha256(hashes.encode()).hexdigest()[:16]}-{machine()}.json"


def _measured(row: Mapping[str, Any]) -> Measured:
    ms = row["ms"]
    return Measured(
        str(row["path"]),
        str(row["engine"]),
        str(row["precision"]),
        max(int(row["threads"]), 1),
        tuple(map(str, row["accelerators"])),
        None if ms is None else float(ms),
        str(row["problem"]),
    )
