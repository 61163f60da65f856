"""COCO's 80 classes, and where they stand among the 90 numbers that its categories have."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["COCO_NAMES", "COCO_NUMBERS", "at_their_numbers", "names_by_count"]

COCO_NAMES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
COCO_NUMBERS = 90
_GAPS = (11, 25, 28, 29, 44, 65, 67, 68, 70, 82)  # of the numbers, counted from 0: never used


def at_their_numbers(names: Sequence[str]) -> tuple[str, ...]:
    """80 names spread over the 90 numbers."""
    spread = list(names)
    for gap in _GAPS:
        spread.insert(gap, "n/a")
    return tuple(spread)


def names_by_count(classes: int | None) -> tuple[str, ...]:
    """What a detector's classes are taken for that nothing names: COCO's, where there are as many."""
    return COCO_NAMES if classes == len(COCO_NAMES) else ()
