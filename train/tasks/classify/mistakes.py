"""The worst mistakes as pictures, each beside what the network looked at when it made them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import EdgelensError
from edgelens.runtime.explain.picture import overlaid
from edgelens.runtime.preprocess import PixelContract, fit_frame

from ...augment import normalised
from ...explain.catalog import fitting_method, method
from ...report.sections import legible
from .answers import Answers
from .reading import class_reading

__all__ = ["Mistake", "mistakes", "worst_mistakes"]

_SIDE = 192  # pixels a picture is shown with at least, so that heat has room to be smooth


@dataclass(frozen=True)
class Mistake:
    """One wrong answer: the validation image, what it is, what was said, how surely."""

    row: int
    name: str
    truth: str
    said: str
    score: float
    truth_score: float

    @property
    def doubtful(self) -> bool:
        """Whether the label may be what is wrong."""
        return self.score > 0.95 and self.truth_score < 0.02


def worst_mistakes(said: Answers, names: list[str], count: int = 24) -> list[Mistake]:
    """Wrong answers on the validation split, the surest first."""
    labels, scores = said.labels, said.probabilities
    named = scores.argmax(1)
    wrong = np.flatnonzero(named != labels)
    worst = wrong[np.argsort(-scores[wrong, named[wrong]], kind="stable")][:count]
    classes = said.classes
    return [
        Mistake(
            int(i),
            names[i],
            classes[int(labels[i])],
            classes[int(named[i])],
            float(scores[i, named[i]]),
            float(scores[i, labels[i]]),
        )
        for i in worst
    ]


def mistakes(said: Answers) -> str:
    """The worst of them, each beside what spoke for the wrong answer."""
    images = said.found.images()
    if images is None:
        return '<h2>The worst mistakes</h2><p class="dimmed">The pictures are no longer where they were.</p>'
    if len(images) != len(said.labels):  # nothing was left to validate on
        return ""
    worst = worst_mistakes(said, list(images.names))
    if not worst:
        return '<h2>The worst mistakes</h2><p class="dimmed">None: every validation image was right.</p>'
    total = int((said.probabilities.argmax(1) != said.labels).sum())
    return (
        f'<h2>The worst mistakes</h2><p class="dimmed">{len(worst)} of {total:,}, the surest first; on the right is'
        f" what spoke for the wrong answer.</p>{_gallery(said, images, worst)}"
    )


def _gallery(said: Answers, images: ImageSet, worst: list[Mistake]) -> str:
    """The mistakes as HTML; an image that can no longer be read shows its name alone."""
    pixels = said.found.pixels
    seen = {m.row: picture for m in worst if (picture := _seen(images, m.row, pixels)) is not None}
    heat = _heat(said, seen, {m.row: m.said for m in worst})
    cards = [_card(m, _pair(seen[m.row], heat[m.row], pixels.color) if m.row in seen else "") for m in worst]
    return f'<div class="gallery">{"".join(cards)}</div>'


def _seen(images: ImageSet, row: int, pixels: PixelContract) -> NDArray[np.uint8] | None:
    """What the network looked at, (H, W, C)."""
    try:
        return fit_frame(images.image(row), pixels)[0]
    except (EdgelensError, OSError):
        return None


def _heat(said: Answers, seen: dict[int, NDArray[np.uint8]], wrong: dict[int, str]) -> dict[int, NDArray[np.float32]]:
    """What spoke for the wrong answer, (H, W) a row; all of them at once."""
    if not seen:
        return {}
    network = said.found.model()
    inputs = normalised(torch.from_numpy(np.stack(list(seen.values()))).permute(0, 3, 1, 2))
    targets = torch.tensor([said.classes.index(wrong[row]) for row in seen])
    heat = method(fitting_method(network))(network, inputs, targets, class_reading(said.classes)).detach().numpy()
    return dict(zip(seen, heat, strict=True))


def _pair(seen: NDArray[np.uint8], heat: NDArray[Any], color: str) -> str:
    bgr = cv2.cvtColor(seen, cv2.COLOR_GRAY2BGR) if seen.shape[2] == 1 else seen[..., ::-1] if color == "rgb" else seen
    side = max(seen.shape[:2])
    scale = max(1.0, _SIDE / side)
    size = round(seen.shape[1] * scale), round(seen.shape[0] * scale)
    how = cv2.INTER_NEAREST if scale >= 3 else cv2.INTER_CUBIC
    large = np.asarray(cv2.resize(np.ascontiguousarray(bgr), size, interpolation=how), np.uint8)
    hot = cv2.resize(np.asarray(heat, np.float32), size, interpolation=cv2.INTER_LINEAR)
    plain = _png(bgr) if scale >= 3 else _jpeg(large)
    tiny = ' class="tiny"' if scale >= 3 else ""
    return (
        f'<div class="pair"><img{tiny} alt="the picture" src="{plain}">'
        f'<img alt="where it looked" src="{_jpeg(overlaid(large, hot))}"></div>'
    )


def _card(mistake: Mistake, pictures: str) -> str:
    doubt = '<div class="low">check the label</div>' if mistake.doubtful else ""
    return (
        f'<div class="mistake">{pictures}<div>is <b>{escape(mistake.truth)}</b>, said <b>{escape(mistake.said)}</b>'
        f' {100 * mistake.score:.0f} %</div>{doubt}<div class="name" title="{escape(legible(mistake.name))}">'
        f"{escape(legible(mistake.name))}</div></div>"
    )


def _png(image: NDArray[np.uint8]) -> str:
    return "data:image/png;base64," + base64.b64encode(cv2.imencode(".png", image)[1].tobytes()).decode()


def _jpeg(image: NDArray[np.uint8]) -> str:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 82])[1]
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
