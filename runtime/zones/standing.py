"""How lines and zones stand, as plain JSON types, and how they do when nobody looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["with_nobody"]


def with_nobody(watched: Mapping[str, Any]) -> dict[str, Any]:
    """The same counts with empty zones: a source that is away does not say who is there."""
    zones = watched.get("zones", {})
    return {**watched, "zones": {name: {**zone, "occupancy": {}, "loitering": 0} for name, zone in zones.items()}}
