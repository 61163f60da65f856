"""Who or what a picture is, of those that were taught; nobody is an answer."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FALSE_ACCEPTS", "Match"]

FALSE_ACCEPTS = 0.01  # of strangers that may be taken for somebody
MARGIN = 0.02  # by which a name must be nearer than the second


@dataclass(frozen=True)
class Match:
    """The nearest name, whether it is the answer, and what came second."""

    nearest: str = ""
    similarity: float = 0.0
    limit: float = 1.0  # the similarity that a stranger seldom reaches
    second: str = ""
    second_similarity: float = 0.0
    known: bool = False  # near enough, nearer than the second by the margin, and nothing that was trained

    @property
    def name(self) -> str:
        """Who it is; empty where nobody that was taught."""
        return self.nearest if self.known else ""
