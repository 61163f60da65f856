"""A run's network explained on one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.runtime.errors import UsageError
from edgelens.runtime.preprocess import PixelContract, fit

from ..augment import normalised
from .catalog import fitting_method, method
from .picture import heat_in_frame, side_by_side

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True)
class Explanation:
    """What the network said of an image, and where it saw that."""

    label: str  # the class that is explained
    score: float
    top: str  # the class that the network said
    method: str
    heat: NDArray[np.float32]  # (H, W) of the whole image; negative: speaks against the class
    picture: NDArray[np.uint8]  # BGR: the image beside itself under its heat

    def at(self) -> tuple[int, int]:
        """x and y of the hottest pixel."""
        y, x = np.unravel_index(int(self.heat.argmax()), self.heat.shape)
        return int(x), int(y)


def explain(
    network: nn.Module,
    image: NDArray[np.uint8],
    *,
    classes: tuple[str, ...],
    pixels: PixelContract,
    temperature: float = 1.0,
    method_name: str = "auto",
    label: str | None = None,
) -> Explanation:
    """Explain a class (the network's own answer unless said) on an image (H, W, 3) BGR."""
    if label is not None and label not in classes:
        raise UsageError(f"--class {label}: is none of this run's: {', '.join(classes)}")
    seen, placement = fit(image, pixels)
    inputs: Tensor = normalised(torch.from_numpy(np.ascontiguousarray(seen)).permute(2, 0, 1)[None])
    with torch.no_grad():
        scores = (network(inputs)[0].float() / temperature).softmax(0)
    top = int(scores.argmax())
    target = classes.index(label) if label else top
    name = fitting_method(network) if method_name == "auto" else method_name
    heat = method(name)(network, inputs, torch.tensor([target]))[0].detach().numpy()
    whole = heat_in_frame(heat, placement)
    said = "" if target == top else f" (said: {classes[top]} {float(scores[top]):.2f})"
    caption = f"{classes[target]} {float(scores[target]):.2f}{said}   {name}"
    picture = side_by_side(image, whole, caption)
    return Explanation(classes[target], float(scores[target]), classes[top], name, whole, picture)
