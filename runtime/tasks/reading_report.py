"""What a network that reads got right on pictures whose text is known."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..datasets.imageset import ImageSet
from ..metrics.interval import percent, wilson
from ..metrics.text import alphanumeric, edits
from ..recognitions import UNKNOWN_ID, Recognitions
from .task import Looked, Table

__all__ = ["ReadingReport", "evaluate_reading", "text_of"]

_CONFUSED = 12  # pairs of characters that are shown
_WRONG = 200  # pictures that the JSON names


@dataclass(frozen=True)
class ReadingReport:
    """Whole texts that are exactly right, and how many characters are not; what was rejected is counted apart."""

    names: tuple[str, ...]  # (N,) the pictures
    truth: tuple[str, ...]
    read: tuple[str, ...]
    scores: tuple[float, ...]
    rejected: tuple[bool, ...]
    alphabet: frozenset[str] = frozenset()  # what the network can read; empty where that is not known

    @property
    def accuracy(self) -> float:
        """The share of texts that are exactly right."""
        return float(np.mean([wanted == found for wanted, found in self._pairs]))

    @property
    def error_rate(self) -> float:
        """Characters to be changed, added or removed, as a share of all that are there (CER)."""
        return sum(map(len, self._edits)) / max(sum(map(len, self.truth)), 1)

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON types."""
        any_case = float(np.mean([a.casefold() == b.casefold() for a, b in self._pairs]))
        return {
            "task": "read",
            "accuracy": self.accuracy,
            "accuracy_interval": list(wilson(self.accuracy, len(self.truth))),
            "accuracy_any_case": any_case,
            "accuracy_alphanumeric": float(np.mean([alphanumeric(a) == alphanumeric(b) for a, b in self._pairs])),
            "character_error_rate": self.error_rate,
            "images": len(self.truth),
            "rejected": sum(self.rejected),
            "accuracy_of_accepted": self._accuracy_of_accepted(),
            "by_length": [dict(zip(("length", "images", "accuracy", "error_rate"), row, strict=True))
                          for row in self._by_length()],
            "confusions": [{"truth": a, "read": b, "count": count} for (a, b), count in self._confusions()],
            "wrong": [{"image": name, "truth": wanted, "read": found, "score": round(score, 6)}
                      for name, wanted, found, score in self._wrong()[:_WRONG]],
        }  # fmt: skip

    def tables(self) -> Sequence[Table]:
        """By length, and the characters that are taken for one another most often."""
        lengths = tuple((n, count, f"{exact:.4f}", f"{rate:.4f}") for n, count, exact, rate in self._by_length())
        confused = tuple((a or "(nothing)", b or "(nothing)", count) for (a, b), count in self._confusions())
        shown = [Table(("characters", "images", "exact", "error rate"), lengths)]
        return [*shown, Table(("is", "read as", "times"), confused)] if confused else shown

    def lines(self) -> Sequence[str]:
        """How the figure depends on what counts as the same; at the end the figures in a few words."""
        found, lines = self.to_json(), []
        if any(self.truth) and not any(self.read):
            rest = f"; right are the {self.truth.count('')} without a text" if "" in self.truth else ""
            lines.append(f"not one text was read{rest}")
        if unknown := self._beyond():
            texts = sum(bool(unknown & set(text)) for text in self.truth)
            shown = " ".join(sorted(unknown)[:_CONFUSED]) + (" …" if len(unknown) > _CONFUSED else "")
            lines.append(f"not in the model's alphabet: {shown}; {texts} texts with such characters count as wrong")
        if sum(self.rejected):
            accepted, kept = self._accuracy_of_accepted(), len(self.truth) - sum(self.rejected)
            rest = "" if accepted is None else f"; of those accepted {percent(accepted, kept)} are right"
            lines.append(f"{sum(self.rejected)} images would be rejected as unknown{rest}")
        looser = {"in any case": found["accuracy_any_case"], "letters and digits": found["accuracy_alphanumeric"]}
        if said := [f"{share:.2%} {what}" for what, share in looser.items() if share > self.accuracy]:
            lines.append(f"exact where that alone counts: {', '.join(said)}")
        exact = percent(self.accuracy, len(self.truth))
        return [*lines, f"exact {exact}, character error rate {self.error_rate:.2%}"]

    def _beyond(self) -> set[str]:
        """Characters of the truth that the network has in neither case."""
        known = {character.casefold() for character in self.alphabet}
        return {each for text in self.truth for each in text if known and each.casefold() not in known}

    @property
    def _pairs(self) -> list[tuple[str, str]]:
        return list(zip(self.truth, self.read, strict=True))

    @cached_property
    def _edits(self) -> list[list[tuple[str, str]]]:
        return [edits(wanted, found) for wanted, found in self._pairs]

    def _accuracy_of_accepted(self) -> float | None:
        kept = [a == b for (a, b), rejected in zip(self._pairs, self.rejected, strict=True) if not rejected]
        return float(np.mean(kept)) if kept else None

    def _by_length(self) -> list[tuple[int, int, float, float]]:
        groups: dict[int, list[int]] = defaultdict(list)
        for row, wanted in enumerate(self.truth):
            groups[len(wanted)].append(row)
        return [
            (
                length,
                len(rows),
                float(np.mean([self.truth[row] == self.read[row] for row in rows])),
                sum(len(self._edits[row]) for row in rows) / max(length * len(rows), 1),
            )
            for length, rows in sorted(groups.items())
        ]

    def _confusions(self) -> list[tuple[tuple[str, str], int]]:
        return Counter(pair for changes in self._edits for pair in changes).most_common(_CONFUSED)

    def _wrong(self) -> list[tuple[str, str, str, float]]:
        """The surest first: what is sure and wrong is worth a look."""
        rows = zip(self.names, self.truth, self.read, self.scores, strict=True)
        return sorted((row for row in rows if row[1] != row[2]), key=lambda row: -row[3])


def evaluate_reading(images: ImageSet, answers: Iterable[Looked], alphabet: Iterable[str] = ()) -> ReadingReport:
    """Hold what was read against the pictures' texts; a threshold, words or a pattern reject, which is told apart."""
    rows = [(i, *text_of(seen)) for i, _, seen in answers]
    return ReadingReport(
        tuple(images.names[i] for i, *_ in rows),
        tuple(images.classes[images.labels[i]] for i, *_ in rows),
        tuple(text for _, text, _, _ in rows),
        tuple(score for *_, score, _ in rows),
        tuple(rejected for *_, rejected in rows),
        frozenset(alphabet),
    )


def text_of(seen: Recognitions) -> tuple[str, float, bool]:
    """What was read, how sure that is, and whether it was rejected; of nothing the empty text."""
    if not len(seen) or seen.texts is None:
        return "", 0.0, False
    return seen.texts[0], float(seen.scores[0]), int(seen.ids[0]) == UNKNOWN_ID
