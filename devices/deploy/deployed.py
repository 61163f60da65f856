"""What was deployed on this machine, for those who ask how it is."""

from __future__ import annotations

import os
from pathlib import Path

from edgelens.runtime.live.shared.machine import SlotFacts

from .slots import Slots

__all__ = ["deployed_here"]


def deployed_here() -> tuple[SlotFacts, ...]:
    """The slots that hold a bundle, the current one first; none where nothing was deployed."""
    slots = Slots(_root())
    current = slots.current()
    named = sorted(path.parent.name for path in slots.folder.glob("*/slot.json"))
    found = []
    for name in sorted(named, key=lambda name: name != current):
        record = slots.record(name)
        if record is not None:
            found.append(SlotFacts(name, name == current, record.name, record.content_version, record.sha256))
    return tuple(found)


def _root() -> Path:
    """Where a deploy by this user puts things, as the agent on the device finds it."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "edgelens"
