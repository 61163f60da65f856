"""How a picture is shown to YuNet and its kin, whichever generation exported them."""

from __future__ import annotations

from collections.abc import Sequence

from ..bundle.manifest import Decode
from .reading import Reading

__all__ = ["yunet_reading"]


def yunet_reading(
    decode: str,
    said: str,
    outputs: Sequence[str],
    labels: tuple[str, ...],
    *,
    picked: Sequence[str] = (),
    asked: bool,
) -> Reading:
    """How a file is read: pixels as they are, in OpenCV's order, with bars below and to the right."""
    return Reading(
        Decode(decode, threshold=0.9, options={"iou": 0.3}),
        outputs=tuple(outputs),
        picked=tuple(picked),
        classes=1,
        color="bgr",
        resize="letterbox",
        filter="linear",
        pad=0,
        anchor="topleft",
        mean=(0.0,),
        std=(1.0,),
        labels=labels or ("face",),
        notes=(f"read as {said} {'as asked' if asked else 'from the names of its outputs'}",),
    )
