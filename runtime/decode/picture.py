"""What a reading must know of a file's input: where its axes lie, how large its picture is; numbers that many share."""

from __future__ import annotations

from ..formats.description import ModelDescription
from ..formats.tensor import TensorInfo

__all__ = ["ANY_SIZE", "IMAGENET_MEAN", "IMAGENET_STD", "USUAL_SIZE", "picture_is_nchw", "picture_size"]

IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # red, green, blue
USUAL_SIZE = (640, 640)  # height and width that many detectors are exported with, those for any size too
ANY_SIZE = f"takes pictures of any size: {USUAL_SIZE[1]}x{USUAL_SIZE[0]} unless --input-size says another"


def picture_is_nchw(info: TensorInfo, file_format: str) -> bool:
    """Whether a picture's channels come before its height; ONNX files mean so where both ends could be channels."""
    if len(info.shape) != 4:
        return False
    first, last = info.shape[1], info.shape[3]
    if file_format == "onnx":
        return first in (1, 3) or (first is None and last not in (1, 3))
    return first in (1, 3) and last not in (1, 3)


def picture_size(file: ModelDescription) -> tuple[int, int] | None:
    """Height and width of the one picture a file takes, None where it is free or there is no such input."""
    if len(file.inputs) != 1 or len(file.inputs[0].shape) != 4:
        return None
    shape = file.inputs[0].shape
    height, width = shape[2:] if picture_is_nchw(file.inputs[0], file.format) else shape[1:3]
    return None if height is None or width is None else (height, width)
