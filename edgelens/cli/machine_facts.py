"""What a run may be asked of the machine around it: the disks it writes to, and what was deployed there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgelens.runtime.said import Said

if TYPE_CHECKING:
    from edgelens.runtime.live.shared.machine import Machine, SlotFacts

__all__ = ["device_name", "machine_of", "written_to"]


def device_name(said: str | None) -> str:
    """The name that results carry: what --device-id says, else EDGELENS_DEVICE_ID, else the host's."""
    return said or os.environ.get("EDGELENS_DEVICE_ID") or os.uname().nodename


def machine_of(device: str, places: Sequence[str | Path] = ()) -> Machine:
    """The machine, with the disks that these places and the state are on; nothing is looked at yet."""
    from edgelens.runtime.host.places import state_folder
    from edgelens.runtime.live.shared.machine import Machine

    return Machine(device, [state_folder(), *map(Path, places)], _slots)


def written_to(sinks: Mapping[str, Any]) -> list[str | Path]:
    """The files and folders that sinks' options, by the sinks' names, say are written."""
    places: list[str | Path] = []
    for options in sinks.values():
        for field in fields(options):
            said: Said | None = field.metadata.get("said")
            value = getattr(options, field.name)
            if isinstance(value, Path) or (said is not None and said.brought_back and value and value != "-"):
                places.append(value)
    return places


def _slots() -> tuple[SlotFacts, ...]:
    from edgelens.devices.deploy.deployed import deployed_here

    return deployed_here()
