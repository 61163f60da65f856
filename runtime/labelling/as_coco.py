"""COCO: one JSON of images, annotations and categories, beside the folder of pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgelens.version import __version__

from ..host.files import write_text
from .marks import Classes, Done

__all__ = ["write_all"]


def write_all(place: Path, done: Done, classes: Classes) -> None:
    """All pictures that were looked at; those without boxes are negatives."""
    numbers = {label: number for number, label in enumerate(classes, 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, marks) in enumerate(done.items(), 1):
        images.append({"id": number, "file_name": name, "width": marks.width, "height": marks.height})
        for box in marks.boxes:
            x, y, w, h = (round(value, 2) for value in (box.x, box.y, box.w, box.h))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": numbers[box.label],
                    "bbox": [x, y, w, h],
                    "area": round(w * h, 2),
                    "iscrowd": int(box.crowd),
                }
            )
    categories = [{"id": number, "name": label} for label, number in numbers.items()]
    info = {"description": f"labelled with edgelens {__version__}"}  # without one COCO's own tools take no results
    table = {"info": info, "licenses": [], "images": images, "annotations": annotations, "categories": categories}
    (place / "annotations").mkdir(parents=True, exist_ok=True)
    write_text(place / "annotations" / "instances.json", json.dumps(table, ensure_ascii=False) + "\n")
