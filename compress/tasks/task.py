"""A task: everything of a compression that depends on what a network answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Decode
from edgelens.train.task import Arrays

from ..network.tail import Tail

__all__ = ["Arrays", "Task"]


@dataclass(frozen=True)
class Task:
    """How a compressed network is judged, proven and settled; repairs learn by the training task's own loss."""

    name: str
    outputs: tuple[str, ...]  # the network's, in the order that it gives them; a run's own where they depend on it
    judge: Callable[[Arrays, Any], float]  # (outputs, the training task's targets) → the score, more is better
    agreement: Callable[[Arrays, Arrays], float]  # the share, 0 to 1, on which two networks say the same
    golden: Callable[[Arrays, int], list[int]]  # which of some candidate frames prove it: so many, none a close call
    # (trained network's outputs, shipped file's for the same pictures, what those show, settings as trained) → of what
    # ships
    resettle: Callable[[Arrays, Arrays, Any, Decode], Decode]
    tail: Tail  # what stays float at the outputs
    right: Callable[[Arrays, Any], NDArray[np.bool_]] | None = (
        None  # (N,) pictures answered right, where that is the score
    )
    names: bool = True  # whether its answers are called by the names that it learned from
    # outputs with a score a label, and what that is in words: model files carry the labels with them
    labelled: Mapping[str, str] = field(default_factory=dict)
    word: str = "accuracy"  # what the score is called
    closely: Callable[[Arrays, Arrays], float] | None = (
        None  # `agreement` of one network in two formats; None: as it is
    )
    counted: str = "images"  # what agreement is a share of
