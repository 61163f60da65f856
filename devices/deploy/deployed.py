"""What was deployed on this machine, for those who ask how it is."""

from __future__ import annotations

from edgelens.runtime.host.places import data_folder
from edgelens.runtime.live.shared.machine import SlotFacts

from .slots import Slots

__all__ = ["deployed_here"]


def deployed_here() -> tuple[SlotFacts, ...]:
    """The current slot, and the one to go back to; none where nothing was deployed."""
    slots = Slots(data_folder())  # where a deploy by this user puts things
    known = []
    for name in filter(None, (slots.current(), slots.previous())):
        record = slots.record(name)
        if record is not None:
            current = name == slots.current()
            known.append(SlotFacts(name, current, record.name, record.content_version, record.sha256))
    return tuple(known)
