"""UltraFace: which bare files are of it; their outputs are those of a PyTorch SSD of one class."""

from __future__ import annotations

import math

from ..bundle.manifest import Decode
from ..formats.description import ModelDescription
from .picture import picture_size
from .reading import Reading

__all__ = ["read_as_ultraface"]

_PRIORS = {8: 3, 16: 2, 32: 2, 64: 3}  # boxes a cell at each stride


def read_as_ultraface(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with two scores and four corners for each of UltraFace's prior boxes."""
    size = picture_size(file)
    last_axes = [output.shape[-1] if len(output.shape) == 3 else None for output in file.outputs]
    if size is None or sorted(map(str, last_axes)) != ["2", "4"]:
        return None
    rows = {output.shape[1] for output in file.outputs}
    priors = sum(math.ceil(size[0] / s) * math.ceil(size[1] / s) * boxes for s, boxes in _PRIORS.items())
    if len(rows) != 1 or not (asked or rows == {priors}):
        return None
    return Reading(
        Decode("ultraface", threshold=0.7, options={"iou": 0.5}),
        outputs=tuple("scores" if axis == 2 else "boxes" for axis in last_axes),
        classes=1,
        filter="linear",
        mean=(127.0,),
        std=(128.0,),
        labels=labels or ("face",),
        notes=(f"read as UltraFace {'as asked' if asked else 'from its outputs'}",),
    )
