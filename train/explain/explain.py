"""A run's network explained on one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.runtime.preprocess import PixelContract, fit_frame

from ..augment import normalised
from ..task import Reading, by_name
from .catalog import fitting_method, method
from .picture import heat_in_frame, side_by_side

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True)
class Explanation:
    """What the network said of an image, and where it saw that."""

    label: str  # the answer that is explained
    score: float
    top: str  # the answer that the network gave
    method: str
    heat: NDArray[np.float32]  # (H, W) of the whole image; negative: speaks against it
    picture: NDArray[np.uint8]  # BGR: the image beside itself under its heat

    def at(self) -> tuple[int, int]:
        """x and y of the hottest pixel."""
        y, x = np.unravel_index(int(self.heat.argmax()), self.heat.shape)
        return int(x), int(y)


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
    asked = None if label is None else reading.number(label)
    seen, placement = fit_frame(image, pixels)
    inputs: Tensor = normalised(torch.from_numpy(np.ascontiguousarray(seen)).permute(2, 0, 1)[None])
    with torch.no_grad():
        outputs = by_name(network(inputs), reading.outputs)
    top = int(reading.answer(outputs))
    target = top if asked is None else asked
    score, best = (float(reading.score(outputs, torch.tensor([answer]))) for answer in (target, top))
    name = fitting_method(network) if method_name == "auto" else method_name
    heat = method(name)(network, inputs, torch.tensor([target]), reading)[0].detach().numpy()
    whole = heat_in_frame(heat, placement)
    said = "" if target == top else f" (said: {reading.name(top)} {best:.2f})"
    picture = side_by_side(image, whole, f"{reading.name(target)} {score:.2f}{said}   {name}")
    return Explanation(reading.name(target), score, reading.name(top), name, whole, picture)
