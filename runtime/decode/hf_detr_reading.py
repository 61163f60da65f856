"""RT-DETR and D-FINE as Hugging Face names their outputs: queries as RF-DETR has them, each score a class's."""

from __future__ import annotations

from ..bundle.manifest import Decode
from ..formats.description import ModelDescription
from .coco_names import names_by_count
from .picture import USUAL_SIZE
from .reading import Reading

__all__ = ["read_as_hf_detr"]

_NAMES = {"logits": "scores", "pred_boxes": "boxes"}
_WITH_NOTHING = 92  # scores of DETR and YOLOS: COCO's 91 numbers and none, of which a softmax makes one


def read_as_hf_detr(
    file: ModelDescription,
    labels: tuple[str, ...],  # noqa: ARG001
    *,
    asked: bool = False,
) -> Reading | None:
    """A file with outputs called `logits` (1, N, C) and `pred_boxes` (1, N, 4), beside others or not."""
    picked = [output for output in file.outputs if output.name in _NAMES]
    shapes = {output.name: output.shape for output in picked}
    logits, boxes = shapes.get("logits", ()), shapes.get("pred_boxes", ())
    if len(logits) != 3 or len(boxes) != 3 or boxes[2] != 4 or logits[1] != boxes[1]:
        return None
    classes = logits[2]
    if classes is None or classes < 1 or (classes == _WITH_NOTHING and not asked):
        return None
    said = f"read as RT-DETR or D-FINE of Hugging Face {'as asked' if asked else 'from the names of its outputs'}"
    return Reading(
        Decode("rf-detr", threshold=0.5, options={"count": classes, "max_det": 300}),
        outputs=tuple(_NAMES[output.name] for output in picked),
        picked=tuple(output.name for output in picked) if len(picked) < len(file.outputs) else (),
        classes=classes,
        unnamed=names_by_count(classes),
        filter="linear",
        mean=(0.0,),
        std=(255.0,),
        size=USUAL_SIZE,
        notes=(said,),
    )
