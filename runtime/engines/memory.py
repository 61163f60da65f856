"""What was learned on this machine: the winner of each bundle's engine search, kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import EdgelensError
from ..files import write_text
from ..manifest import Network

__all__ = ["Measured", "Remembered", "cache_folder", "machine", "recall", "remember"]

_PACKAGES = ("onnxruntime", "ai_edge_litert", "tflite_runtime")


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


def cache_folder() -> Path:
    """Where this user's engines keep what they built and measured; made when something is written."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "edgelens" / "engines"


def machine() -> str:
    """A short id of this machine as engines see it: processor, usable cores, and the engines' installed files."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = [platform.machine(), _processor(), str(cores), *map(_installed, _PACKAGES)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def recall(network: Network) -> Remembered | None:
    """What was measured for this network here; None where nothing was, or it no longer fits."""
    try:
        plain = json.loads(_place(network).read_text(encoding="utf-8"))
        table = tuple(_measured(row) for row in plain["table"])
        winner = _measured(plain["winner"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return Remembered(winner, table) if winner.path in {file.path for file in network.files} else None


def remember(network: Network, winner: Measured, table: Sequence[Measured]) -> bool:
    """Keep a winner; False where the cache folder cannot be written, which is no reason to stop."""
    place = _place(network)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_text(place, json.dumps({"winner": asdict(winner), "table": [asdict(row) for row in table]}, indent=1))
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


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "Model", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))


def _installed(package: str) -> str:
    """A package's place and the time it was put there: changes with every update, and costs no import."""
    try:
        spec = importlib.util.find_spec(package)
        return f"{spec.origin} {Path(spec.origin).stat().st_mtime_ns}" if spec and spec.origin else ""
    except (ImportError, ValueError, OSError):
        return ""
