"""A run's network explained on one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.runtime.errors import DataError
from edgelens.runtime.preprocess import PixelContract, fit_frame

from ..augment import normalised
from ..task import Reading, by_name
from .catalog import fitting_method, method
from .picture import heat_in_frame

__all__ = ["Explanation", "Part", "explain"]

Heat = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """A part of an answer, a class, a character or a thing, and where the network saw it."""

    label: str
    score: float
    heat: Heat  # (H, W) of the whole image; negative: speaks against it
    box: tuple[float, ...] | None = None  # x, y, w, h of a thing, in pixels of the image

    def at(self) -> tuple[int, int]:
        """x and y of the hottest pixel."""
        y, x = np.unravel_index(int(self.heat.argmax()), self.heat.shape)
        return int(x), int(y)


@dataclass(frozen=True)
class Explanation:
    """What the network said of an image, and where it saw that."""

    parts: tuple[Part, ...]  # of the answer that is explained; a text's characters in their order, things by sureness
    said: str  # the answer that the network gave
    said_score: float  # of its least sure part
    method: str
    similar: tuple[tuple[int, float], ...] = ()  # pictures that the answer was found by: number and likeness
    between: str = ""  # the parts' labels

    @property
    def label(self) -> str:
        """The answer that is explained."""
        return self.between.join(part.label for part in self.parts)

    @property
    def score(self) -> float:
        """How sure its least sure part is."""
        return min(part.score for part in self.parts)

    @property
    def whole(self) -> Part:
        """The answer in one, its parts counted alike."""
        if len(self.parts) == 1:
            return self.parts[0]
        alike = [part.heat / max(float(np.abs(part.heat).max()), 1e-12) for part in self.parts]
        return Part(self.label, self.score, np.mean(alike, axis=0, dtype=np.float32))


def explain(
    network: nn.Module,
    image: NDArray[np.uint8],
    *,
    reading: Reading,
    pixels: PixelContract,
    method_name: str = "auto",
    label: str | None = None,
) -> Explanation:
    """Explain an answer (the network's own unless said) on an image (H, W, 3) BGR."""
    seen, placement = fit_frame(image, pixels)
    inputs: Tensor = normalised(torch.from_numpy(np.ascontiguousarray(seen)).permute(2, 0, 1)[None])
    with torch.no_grad():
        outputs = by_name(network(inputs), reading.outputs)
    own = reading.answers(outputs, None)
    asked = own if label is None else reading.answers(outputs, label)
    if not asked:
        raise DataError("the network says nothing of this picture; --class NAME asks for an answer that it could give")
    name = method_name if method_name != "auto" else reading.method or fitting_method(network)
    follow = method(name)

    def sure(answer: int) -> float:
        return float(reading.score(outputs, torch.tensor([answer])))

    def part(answer: int) -> Part:
        heat = follow(network, inputs, torch.tensor([answer]), reading)[0].detach().numpy()
        box = None if reading.place is None else tuple(placement.to_frame(reading.place(outputs, answer))[0].tolist())
        return Part(reading.name(answer), sure(answer), heat_in_frame(heat, placement), box)

    similar = [] if reading.similar is None else reading.similar(outputs)
    return Explanation(
        tuple(part(answer) for answer in asked),
        reading.between.join(map(reading.name, own)),
        min(map(sure, own), default=0.0),
        name,
        tuple((other, sure(other)) for other in similar),
        reading.between,
    )
