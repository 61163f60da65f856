"""The worst pictures with their boxes drawn: what was found, what was missed, what was made up."""

from __future__ import annotations

import base64
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import EdgelensError
from edgelens.runtime.images.lettering import drawable
from edgelens.runtime.preprocess import PixelContract, fit_frame

from ...report.sections import legible
from .seen import Seen

__all__ = ["worst_pictures", "worst_rows"]

_SHOWN = 12
_SIDE = 480  # pixels a picture is shown with at least
_RIGHT, _MISSED, _FALSE = (92, 128, 18), (219, 112, 31), (45, 38, 192)  # BGR


def worst_rows(said: Seen, count: int = _SHOWN) -> list[tuple[int, int, int]]:
    """Pictures by number with how many things were missed and made up in each, most first."""
    images = said.metrics["images"]
    missed = np.bincount(said.truth.images[said.missed], minlength=images)
    false = np.bincount(said.boxes.images[said.false], minlength=images)
    order = np.argsort(-(missed + false), kind="stable")[:count]
    return [(int(row), int(missed[row]), int(false[row])) for row in order if missed[row] + false[row]]


def worst_pictures(said: Seen) -> str:
    """The pictures with most mistakes at the thresholds."""
    title = "<h2>The worst pictures</h2>"
    images = said.found.images()
    if images is None:
        return f'{title}<p class="dimmed">The pictures are no longer where they were.</p>'
    if len(images) != said.metrics["images"]:  # nothing was left to validate on
        return ""
    rows = worst_rows(said)
    if not rows:
        return f'{title}<p class="dimmed">None: everything was found, and nothing made up.</p>'
    cards = "".join(_card(said, images, row, missed, false) for row, missed, false in rows)
    note = "Green was found, blue is there and was not found, red was found and is not there."
    return f'{title}<p class="dimmed">{note}</p><div class="gallery">{cards}</div>'


def _card(said: Seen, images: ImageSet, row: int, missed: int, false: int) -> str:
    drawn = _drawn(said, images, row)
    shown = "" if drawn is None else f'<img alt="the picture with its boxes" style="width:100%" src="{_jpeg(drawn)}">'
    name = escape(legible(images.names[row]))
    return (
        f'<div class="mistake">{shown}<div><b>{missed}</b> missed, <b>{false}</b> made up</div>'
        f'<div class="name" title="{name}">{name}</div></div>'
    )


def _drawn(said: Seen, images: ImageSet, row: int) -> NDArray[np.uint8] | None:
    """A picture as the network sees it, larger, with its boxes."""
    pixels = said.found.pixels
    try:
        seen = fit_frame(images.image(row), pixels)[0]
    except (EdgelensError, OSError):
        return None
    scale = max(1.0, _SIDE / max(seen.shape[:2]))
    size = round(seen.shape[1] * scale), round(seen.shape[0] * scale)
    canvas = np.asarray(cv2.resize(_bgr(seen, pixels), size, interpolation=cv2.INTER_CUBIC), np.uint8)
    mine = said.boxes.images == row
    right = mine & said.passed & (said.hit >= 0)
    missed = said.missed & (said.truth.images == row)
    for boxes, labels, colour in (
        (said.boxes.boxes[right], said.boxes.labels[right], _RIGHT),
        (said.truth.boxes[missed], said.truth.labels[missed], _MISSED),
        (said.boxes.boxes[mine & said.false], said.boxes.labels[mine & said.false], _FALSE),
    ):
        _draw(canvas, boxes * scale, [said.classes[label] for label in labels], colour)
    return canvas


def _draw(
    canvas: NDArray[np.uint8], boxes: NDArray[np.float64], names: list[str], colour: tuple[int, int, int]
) -> None:
    for (x, y, w, h), name in zip(boxes.round().astype(int).tolist(), names, strict=True):
        cv2.rectangle(canvas, (x, y), (x + w, y + h), colour, 2)
        place = (x + 2, max(y - 4, 10))
        cv2.putText(canvas, drawable(name), place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1)


def _bgr(seen: NDArray[np.uint8], pixels: PixelContract) -> NDArray[np.uint8]:
    if pixels.channels == 1:
        return np.asarray(cv2.cvtColor(seen, cv2.COLOR_GRAY2BGR), np.uint8)
    return np.ascontiguousarray(seen[..., ::-1] if pixels.color == "rgb" else seen)


def _jpeg(image: NDArray[np.uint8]) -> str:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
