"""The score of a task: which metric it is, which way is better, and how it is said."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgelens.runtime.metrics.interval import percent

__all__ = ["Score", "standard_error"]


@dataclass(frozen=True)
class Score:
    """The metric by which checkpoints, trials and trainings are compared."""

    name: str  # of one of the meter's figures
    more: bool = True  # whether more is better
    share: bool = True  # between 0 and 1, said in per cent
    counted: bool = True  # whether a share is of pictures that were right: then chance has an interval
    word: str = ""  # what a share is of: 97.2 % "right"
    called: str = ""  # its name for people, where it is not the figure's

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.called or self.name.replace("_", " ")

    @property
    def heading(self) -> str:
        """Its name at the beginning of a line."""
        return self.title[:1].upper() + self.title[1:] if self.title.islower() else self.title  # mAP keeps its letters

    def rank(self, value: float) -> float:
        """A number that is larger for the better of two values."""
        return value if self.more else -value

    def better(self, value: float, than: float) -> bool:
        """Whether one value beats another."""
        return self.rank(value) > self.rank(than)

    def said(self, value: float, digits: int = 2) -> str:
        """A value for people."""
        if not self.share:
            return f"{self.title} {value:.4g}"
        return f"{self.number(value, digits)} {self.word or self.title}"

    def number(self, value: float, digits: int = 2) -> str:
        """A value for people, where its name stands already."""
        return f"{100 * value:.{digits}f} %" if self.share else f"{value:.4g}"

    def with_interval(self, value: float, count: int) -> str:
        """A value for people with what chance leaves open on so many images, where that follows from it."""
        return f"{percent(value, count)} {self.word or self.title}" if self.share and self.counted else self.said(value)

    def error(self, value: float, count: int) -> float:
        """How far it may be off by chance on so many images; NaN where that does not follow from the value."""
        return standard_error(value, count) if self.share and self.counted else math.nan


def standard_error(share: float, count: int) -> float:
    """How far a share of so many images may be off by chance (one standard deviation)."""
    return math.sqrt(share * (1 - share) / count) if count else 0.0
