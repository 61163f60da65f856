"""At a training's end: what the network knows, fitted on the answers that also judge it, and kept with the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from edgelens.runtime.decode.known import known_to_bytes
from edgelens.runtime.host.files import write_bytes

from ..data.train_data import TrainData
from ..head.features import features_of, trunk_key
from ..runs.outputs import SplitOutputs
from ..runs.run import KNOWN, Run
from ..task import Task
from .fit import fit_known, right_answers

__all__ = ["learn_known"]


def learn_known(run: Run, data: TrainData, task: Task, cache: Path, say: Callable[[str], None]) -> None:
    """Write what a finished run's network knows; a run that can know nothing keeps nothing of the kind."""
    (run.path / KNOWN).unlink(missing_ok=True)
    if task.sureness is None:
        return
    judged = run.judged_splits
    if "val" not in judged:  # no picture was left to judge by
        return
    network, answers = run.model(), SplitOutputs.load(run.path)
    honest = np.flatnonzero(np.isin(data.splits, judged))
    learned = np.flatnonzero(data.splits == "train") if judged == ("val",) else honest
    labels, scores = data.images.labels.astype(np.int64), task.sureness(answers.val, run.decode)
    rows = np.zeros((len(data.images), 0), np.float32)
    for name, part in (("train", data.train), ("val", data.val)):
        if len(part):
            seen = features_of(network, part.pictures, cache, key=trunk_key(network, task.heads))
            found = network.likeness(torch.from_numpy(seen)).numpy()  # type: ignore[operator]
            rows = rows if rows.shape[1] else np.zeros((len(data.images), found.shape[1]), np.float32)
            rows[data.splits == name] = found
    right = right_answers(scores, labels[honest], run.classes, run.decode.background)
    groups = np.unique(np.array(data.groups), return_inverse=True)[1]
    known = fit_known(
        rows[learned],
        labels[learned],
        rows[honest][right],
        scores.max(1)[right],
        run.config.keep,
        learned_groups=groups[learned],
        honest_groups=groups[honest][right],
    )
    if known is None:
        say(f"{int(right.sum())} right answers are too few to say what is like the pictures it learned")
        return
    write_bytes(run.path / KNOWN, known_to_bytes(known))
    say(
        f"unlike what it learned: by score and by nearness to {len(known.bank):,} learned pictures together,"
        f" {run.config.keep:.0%} of the right answers are kept"
    )
