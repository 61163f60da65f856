"""A search's memory on disk: every candidate that was trained and measured, so that the next search starts from it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edgelens.runtime.errors import WorkError
from edgelens.runtime.host.files import write_bytes, write_text

from .space import Attempt

__all__ = ["Study"]


@dataclass(frozen=True)
class Study:
    """A folder of candidates of one trained network."""

    folder: Path
    network_id: str  # candidates of another training are never taken for this one's

    @classmethod
    def open(cls, folder: Path, network_id: str) -> Study:
        """The study in a folder, made where there is none."""
        place = folder / network_id[:16]
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkError(f"{place}: cannot be made ({error.strerror}); name another folder with --study") from None
        return cls(place, network_id)

    def network(self, plan: Attempt, stage: str) -> nn.Module | None:
        """A candidate's network after a stage of its training."""
        file = self.folder / f"{plan.key}.{stage}.pt"
        if not file.exists():
            return None
        try:
            found = torch.load(file, weights_only=False)  # written by this kit beside the run it belongs to
        except (OSError, RuntimeError, EOFError, ValueError):
            return None
        return found if isinstance(found, nn.Module) else None

    def keep_network(self, plan: Attempt, stage: str, network: nn.Module) -> None:
        """Store a candidate's network."""
        whole = io.BytesIO()  # torch's own writer hides a full disk in an error of its own
        torch.save(network, whole)
        write_bytes(self.folder / f"{plan.key}.{stage}.pt", whole.getvalue())

    def facts(self, plan: Attempt, stage: str) -> dict[str, Any] | None:
        """What was measured of a candidate that does not depend on the machine's mood."""
        file = self.folder / f"{plan.key}.{stage}.json"
        try:
            found = json.loads(file.read_text())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def keep_facts(self, plan: Attempt, stage: str, facts: dict[str, Any]) -> None:
        """Store what was measured."""
        write_text(self.folder / f"{plan.key}.{stage}.json", json.dumps(facts, indent=1))
