"""A detector's file that this kit wrote, without its bundle: it says all of itself but the thresholds."""

from __future__ import annotations

from ..bundle.manifest import Decode
from ..formats.description import ModelDescription
from .kit_reading import as_the_kit_wrote_it
from .reading import Reading
from .voting import VOTE

__all__ = ["read_as_lens_det"]

_STRIDES = (4, 8, 16, 32)
_USUAL = 0.3  # the threshold where the bundle's own are not there


def read_as_lens_det(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:  # noqa: ARG001
    """The maps by their names; the classes are as many as a map of scores has channels."""
    strides = _strides(file)
    if not strides:
        return None
    names = tuple(output.name for output in file.outputs)
    classes = next(output.shape[1] for output in file.outputs if output.name.startswith("scores"))
    decode = Decode("lens-det", threshold=_USUAL, options={"finest": min(strides), "vote": VOTE})
    row = Reading(decode, outputs=names, classes=classes, labels=labels)
    return as_the_kit_wrote_it(row, file)


def _strides(file: ModelDescription) -> list[int]:
    names = {output.name for output in file.outputs if len(output.shape) == 4}
    found = [stride for stride in _STRIDES if {f"scores{stride}", f"sides{stride}"} <= names]
    return found if len(names) == len(file.outputs) == 2 * len(found) else []
