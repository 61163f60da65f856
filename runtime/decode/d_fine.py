"""D-FINE, DEIM and RT-DETR as their own tools export them: the best queries, each with its class, score and box."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..formats.description import ModelDescription
from ..formats.onnx_target_size import TARGET_SIZE
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules
from .picture import USUAL_SIZE
from .protocol import Decoder
from .reading import Reading

__all__ = ["d_fine", "read_as_d_fine"]

_NAMES = {"labels": "classes", "boxes": "boxes", "scores": "scores"}


def d_fine(network: Network, options: BoxOptions) -> Decoder:
    """Things from `boxes` (1, N, 4), corners in pixels of the picture, `scores` (1, N) and `classes` (1, N)."""
    rules = BoxRules.of(network, options)

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        boxes, scores = (np.asarray(outputs[name][0], np.float32) for name in ("boxes", "scores"))
        ids = np.asarray(outputs["classes"][0], np.int64)
        return rules.answer(boxes, scores, ids, placement, threshold, suppressed=True)

    return decode


def read_as_d_fine(
    file: ModelDescription,
    labels: tuple[str, ...],  # noqa: ARG001
    *,
    asked: bool = False,
) -> Reading | None:
    """A file that wants the photo's size too and has outputs `labels` (1, N), `boxes` (1, N, 4) and `scores` (1, N).

    It tells no count of classes. Whose boxes are in pixels without that input is only known where it is said.
    """
    if not asked and TARGET_SIZE not in [info.name for info in file.inputs]:
        return None
    shapes = {output.name: output.shape for output in file.outputs}
    if set(shapes) != set(_NAMES) or len(shapes["labels"]) != 2 or len(shapes["scores"]) != 2:
        return None
    if len(shapes["boxes"]) != 3 or shapes["boxes"][2] != 4:
        return None
    said = f"read as D-FINE, DEIM or RT-DETR {'as asked' if asked else 'from its names'}"
    return Reading(
        Decode("d-fine", threshold=0.5, options={"max_det": 300}),
        outputs=tuple(_NAMES[output.name] for output in file.outputs),
        filter="linear",
        mean=(0.0,),
        std=(255.0,),
        size=USUAL_SIZE,
        notes=(said,),
    )
