"""Which keypoints are joined by a line: known from how many there are, as the field's networks number them."""

from __future__ import annotations

__all__ = ["LEAST_SURE", "limbs"]

Pairs = tuple[tuple[int, int], ...]

LEAST_SURE = 0.25  # keypoints below are guesses of what cannot be seen

_PERSON = (  # COCO's 17: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, the left one first
    (0, 1), (0, 2), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (5, 11), (6, 12),
    (11, 12), (11, 13), (13, 15), (12, 14), (14, 16),
)  # fmt: skip
_PALM = ((0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (5, 6))  # MediaPipe's 7: wrist, four knuckles, the thumb's two
_SKELETONS: dict[int, Pairs] = {17: _PERSON, 7: _PALM}


def limbs(points: int) -> Pairs:
    """The pairs of keypoints that are joined, of things with so many; none where nothing is known of them."""
    return _SKELETONS.get(points, ())
