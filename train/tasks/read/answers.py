"""What a reading network's answers come to, for its report and its card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgelens.runtime.decode.classify import softmax

from ...report.findings import Findings
from .data import texts_of
from .metrics import summary
from .spelled import spelled

__all__ = ["Answers", "Misread", "answers_of", "in_words"]


@dataclass(frozen=True)
class Misread:
    """One picture of the validation that is read wrong."""

    row: int
    truth: str
    read: str


@dataclass(frozen=True)
class Answers:
    """Findings, and what only a reader's have."""

    found: Findings
    metrics: dict[str, Any]  # of `summary`
    train: dict[str, Any]  # the same of unaugmented training pictures
    wrong: tuple[Misread, ...]  # the surest first


def answers_of(found: Findings, alphabet: str) -> Answers:
    """Spell what the network answered, and count it against what is written."""
    scores = found.val["scores"]
    wanted, read = texts_of(found.val_targets, alphabet), spelled(scores, alphabet)
    sure = np.log(softmax(scores, 1.0).max(2)).sum(1)  # of the likeliest path
    wrong = [i for i in np.argsort(-sure, kind="stable").tolist() if wanted[i] != read[i]]
    return Answers(
        found,
        summary(read, found.val_targets, alphabet),
        summary(spelled(found.train["scores"], alphabet), found.train_targets, alphabet),
        tuple(Misread(i, wanted[i], read[i]) for i in wrong),
    )


def in_words(text: str) -> str:
    """A text or character as it stands in a sentence: one that cannot be seen is named."""
    return "nothing" if not text else "a blank" if text.isspace() else text
