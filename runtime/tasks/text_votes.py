"""One text of many readings of the same thing: each character is voted for by how sure its readings were."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Votes"]

_NOTHING = 1e-6  # a length whose readings weigh less is forgotten
_TAKEN_FOR = 9  # characters that share what a reading leaves open
_LEAST, _MOST = 1 / (_TAKEN_FOR + 1), 0.99  # a reading is never surer, nor less sure than one that says nothing


@dataclass
class _Place:
    """What was heard of one character: logarithms of probabilities, each with its reading's weight."""

    others: float = 0.0  # of any character that nobody read
    said: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # by how much more of one that was read

    def hear(self, character: str, sure: float, weight: float) -> None:
        """One reading."""
        sure = min(max(sure, _LEAST), _MOST)
        left = math.log((1 - sure) / _TAKEN_FOR)
        self.others += weight * left
        self.said[character] += weight * (math.log(sure) - left)

    def fade(self, share: float) -> None:
        """What was heard counts only so much from here on."""
        self.others *= share
        for character in self.said:
            self.said[character] *= share

    @property
    def best(self) -> str:
        """What most say."""
        return max(self.said, key=lambda character: self.said[character])

    def confidence(self, scale: float) -> float:
        """How sure that is; `scale` makes of what was heard what it is worth."""
        top = self.said[self.best]
        rest = sum(math.exp(scale * (value - top)) for value in self.said.values())
        return 1 / (rest + max(_TAKEN_FOR + 1 - len(self.said), 0) * math.exp(-scale * top))


@dataclass
class _Length:
    """What was heard of texts of one length."""

    places: list[_Place]
    squares: float = 0.0  # of the readings' weights
    sureness: float = 0.0  # the weights, each by how sure its characters were


class Votes:
    """The readings of one thing so far; those of one length vote together, the surest length wins."""

    def __init__(self) -> None:
        self._lengths: dict[int, _Length] = {}

    def hear(self, text: str, confidences: Sequence[float], weight: float = 1.0) -> None:
        """One more reading, each of its characters as sure as given; `weight` is the whole reading's."""
        heard = self._lengths.setdefault(len(text), _Length([_Place() for _ in text]))
        for place, character, sure in zip(heard.places, text, confidences, strict=True):
            place.hear(character, sure, weight)
        heard.squares += weight**2
        heard.sureness += weight * sum(confidences) / max(len(text), 1)

    def fade(self, share: float) -> None:
        """What was heard so far counts only so much from here on."""
        for heard in self._lengths.values():
            heard.squares *= share**2
            heard.sureness *= share
            for place in heard.places:
                place.fade(share)
        self._lengths = {length: heard for length, heard in self._lengths.items() if heard.squares >= _NOTHING**2}

    @property
    def text(self) -> str:
        """What most say."""
        return "".join(place.best for place in self._surest.places) if self else ""

    @property
    def confidences(self) -> list[float]:
        """How sure each character of it is: of one reading as that was, the surer the more say the same."""
        if not self:
            return []
        surest = self._surest
        # readings are alike, so that n of them are worth not n, but the root of it: of their mean, 1 / weight
        scale = 1 / math.sqrt(surest.squares)
        return [place.confidence(scale) for place in surest.places]

    def __bool__(self) -> bool:
        return bool(self._lengths)

    @property
    def _surest(self) -> _Length:
        """The length whose readings are the surest of all their characters."""
        return max(self._lengths.values(), key=lambda heard: heard.sureness)
