"""PP-OCR's text detectors, and others that answer with one map of where text is."""

from __future__ import annotations

from ..bundle.manifest import Decode
from ..formats.description import ModelDescription
from .ctc import TEXT
from .reading import Reading

__all__ = ["read_as_db"]

_LEAST = 32  # pixels a side of a map
_SIZE = (544, 960)  # of a camera's picture, in steps of 32


def read_as_db(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with one output (1, 1, H, W); only where it is asked for: maps of other things look alike."""
    if not asked or len(file.outputs) != 1:
        return None
    shape = file.outputs[0].shape
    if len(shape) != 4 or shape[1] not in (None, 1) or any(side is not None and side < _LEAST for side in shape[2:]):
        return None
    return Reading(
        Decode("db", threshold=0.5),
        outputs=("map",),
        classes=1,
        color="bgr",
        resize="letterbox",
        filter="linear",
        mean=file.mean or (127.5,),
        std=file.std or (127.5,),
        labels=labels or (TEXT,),
        size=_SIZE,
        notes=("read as DB: lines of text; --input-size WxH of whole 32s where they are smaller than here",),
    )
