"""One text of many readings of the same thing: each character is voted for by how sure its readings were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

__all__ = ["Votes"]

Places = list[dict[str, float]]


class Votes:
    """The readings of one thing so far; those of one length vote together, the length with the most weight wins."""

    def __init__(self) -> None:
        self._places: dict[int, Places] = {}
        self._weights: dict[int, float] = defaultdict(float)

    def hear(self, text: str, confidences: Sequence[float], weight: float = 1.0) -> None:
        """One more reading, each of its characters as sure as given; `weight` is the whole reading's."""
        places = self._places.setdefault(len(text), [defaultdict(float) for _ in text])
        for place, character, sure in zip(places, text, confidences, strict=True):
            place[character] += weight * sure
        self._weights[len(text)] += weight

    def fade(self, share: float) -> None:
        """What was heard so far counts only so much from here on."""
        for length, places in self._places.items():
            self._weights[length] *= share
            for place in places:
                for character in place:
                    place[character] *= share

    @property
    def text(self) -> str:
        """What most say."""
        return "".join(max(place, key=lambda c: place[c]) for place in self._places[self._length]) if self else ""

    @property
    def confidences(self) -> list[float]:
        """How sure each character of it is: its votes as a share of all readings of that length."""
        if not self:
            return []
        return [max(place.values()) / self._weights[self._length] for place in self._places[self._length]]

    def __bool__(self) -> bool:
        return bool(self._places)

    @property
    def _length(self) -> int:
        """Of a length the readings weigh by how sure they are of all their characters."""
        return max(self._places, key=self._sureness)

    def _sureness(self, length: int) -> float:
        places = self._places[length]
        return sum(sum(place.values()) for place in places) / max(len(places), 1)
