"""The run that a training starts from: whose weights it had itself, and which pictures it has learned already."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..config import BACKBONE, TrainConfig
from ..data.train_data import TrainData
from ..runs.run import AVERAGE, BEST, FACTS, SPLITS, Run

__all__ = ["known_before", "only_its_head_learned", "origin", "run_at"]


def run_at(start: str) -> Run | None:
    """The run that `--from` names, by its folder or by its weights' file; None: it names none."""
    path = Path(start)
    folder = path.parent if path.name in (BEST, AVERAGE) else path
    return Run.open(folder) if start != BACKBONE and (folder / FACTS).is_file() else None


def origin(start: str) -> str:
    """Whose weights a run's or a file's are, all the way back, without the folders of this machine."""
    run = run_at(start)
    if run is None:
        return Path(start).name
    before = re.sub(r": \d+ tensors taken over.*", "", run.started)
    return f"a run of the kit ({run.path.resolve().name})" + (f", which started from {before}" if before else "")


def known_before(run: Run, config: TrainConfig, data: TrainData) -> int:
    """How many of the pictures that validate a run had learned, its head alone or all of it."""
    same = run.facts.data["fingerprint"] == data.fingerprint or run.config.data == config.data
    if not same or not (run.path / SPLITS).is_file():
        return 0
    head_knows_all = "+" in str((run.facts.metrics or {}).get("judged", ""))
    learned = ("train", "val") if head_knows_all or run.facts.data.get("known_before") else ("train",)
    return len(run.names_of(learned) & {data.names[i] for i in np.flatnonzero(data.splits == "val").tolist()})


def only_its_head_learned(run: Run) -> bool:
    """Whether a run's trunk is as it was before any of its pictures."""
    return run.config.start == BACKBONE and (run.facts.metrics or {}).get("best_epoch") == 0
