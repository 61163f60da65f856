"""The doctor's checks by area."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .camera import check_camera
from .finding import Finding
from .network import check_network
from .packages import check_packages
from .system import check_system

__all__ = ["CHECKS", "examine"]

CHECKS: dict[str, Callable[[Path], list[Finding]]] = {
    "board": check_system,
    "packages": check_packages,
    "camera": check_camera,
    "network": check_network,
}


def examine(root: str | Path = "/") -> dict[str, list[Finding]]:
    """Every area's findings."""
    return {area: check(Path(root)) for area, check in CHECKS.items()}
