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
from torch import nn

from edgelens.runtime.errors import EdgelensError
from edgelens.runtime.preprocess import PixelContract, fit

from ..augment import normalised
from ..explain.catalog import fitting_method, method
from ..explain.picture import overlaid
from .findings import Findings

__all__ = ["Mistake", "gallery", "worst_mistakes"]

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


def worst_mistakes(found: Findings, names: list[str], count: int = 24) -> list[Mistake]:
    """Wrong answers on the validation split, the surest first."""
    labels, scores = found.outputs.val_labels, found.probabilities
    named = scores.argmax(1)
    wrong = np.flatnonzero(named != labels)
    worst = wrong[np.argsort(-scores[wrong, named[wrong]], kind="stable")][:count]
    classes = found.run.classes
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


def gallery(found: Findings, images: Any, network: nn.Module, mistakes: list[Mistake]) -> str:
    """The mistakes as HTML; an image that can no longer be read shows its name alone."""
    seen = {m.row: pixels for m in mistakes if (pixels := _seen(images, m.row, found.run.pixels)) is not None}
    heat = _heat(network, found, seen, {m.row: m.said for m in mistakes})
    color = found.run.pixels.color
    cards = [_card(m, _pair(seen[m.row], heat[m.row], color) if m.row in seen else "") for m in mistakes]
    return f'<div class="gallery">{"".join(cards)}</div>'


def _seen(images: Any, row: int, pixels: PixelContract) -> NDArray[np.uint8] | None:
    """What the network looked at, (H, W, C)."""
    try:
        return fit(images.image(row), pixels)[0]
    except (EdgelensError, OSError):
        return None


def _heat(
    network: nn.Module, found: Findings, seen: dict[int, NDArray[np.uint8]], said: dict[int, str]
) -> dict[int, NDArray[Any]]:
    """What spoke for the answer, (H, W) a row; all of them at once."""
    if not seen:
        return {}
    inputs = normalised(torch.from_numpy(np.stack(list(seen.values()))).permute(0, 3, 1, 2))
    targets = torch.tensor([found.run.classes.index(said[row]) for row in seen])
    heat = method(fitting_method(network))(network, inputs, targets).detach().numpy()
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
        f' {100 * mistake.score:.0f} %</div>{doubt}<div class="name" title="{escape(_text(mistake.name))}">'
        f"{escape(_text(mistake.name))}</div></div>"
    )


def _text(name: str) -> str:
    """A path that can be written as UTF-8, whatever bytes it was made of."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _png(image: NDArray[np.uint8]) -> str:
    return "data:image/png;base64," + base64.b64encode(cv2.imencode(".png", image)[1].tobytes()).decode()


def _jpeg(image: NDArray[np.uint8]) -> str:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 82])[1]
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
