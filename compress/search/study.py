"""A search's memory on disk: every candidate that was trained and measured, so that the next search starts from it."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.host.files import replacing, write_text
from edgelens.train.runs.torch_file import write_torch

from .space import Attempt

__all__ = ["Study", "check_folder"]


_OF_A_NETWORK = re.compile(r"[0-9a-f]{16}")  # what folders in a study are called
_UNUSABLE = (
    *(OSError, EOFError, pickle.UnpicklingError, RuntimeError),
    *(ValueError, TypeError, AttributeError, KeyError, IndexError),
)


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds something and is no study: candidates do not belong among somebody's photos."""
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if there and not any(map(_OF_A_NETWORK.fullmatch, there)):
        raise UsageError(f"--study {folder}: holds other things than a study; name a new or an empty folder")


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

    def network(self, plan: Attempt, stage: str, bare: nn.Module) -> nn.Module | None:
        """A candidate's network after a stage of its training: the weights that are kept, in the plan's bare network.

        A study is a folder that people pass on: weights are all that is ever read of it, and nothing there can run.
        """
        file = self.folder / f"{plan.key}.{stage}.pt"
        if not file.exists():
            return None
        network = copy.deepcopy(bare)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of pickles that are refused anyway
                network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        except _UNUSABLE:
            return None  # damaged, of another kit, or made by somebody else: the candidate learns anew
        return network.eval()

    def keep_network(self, plan: Attempt, stage: str, network: nn.Module) -> None:
        """Store a candidate's weights."""
        with replacing(self.folder / f"{plan.key}.{stage}.pt") as stream:
            write_torch(network.state_dict(), stream)

    def accuracy(self, plan: Attempt, stage: str) -> float | None:
        """How accurate a candidate was: that does not depend on the machine's mood."""
        file = self.folder / f"{plan.key}.{stage}.json"
        try:
            share = float(json.loads(file.read_text("utf-8"))["accuracy"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return share if math.isfinite(share) else None

    def keep_accuracy(self, plan: Attempt, stage: str, accuracy: float) -> None:
        """Store what was measured."""
        write_text(self.folder / f"{plan.key}.{stage}.json", json.dumps({"accuracy": accuracy}, indent=1))
