"""A run's network explained on one image."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.runtime.errors import DataError
from edgelens.runtime.explain.explanation import Explanation, Part, Similar
from edgelens.runtime.explain.picture import heat_in_frame
from edgelens.runtime.preprocess import PixelContract, fit_frame

from ..augment import normalised
from ..task import Reading, by_name
from .catalog import fitting_method, method

__all__ = ["explain"]


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
        tuple(
            Similar(reading.name(other), sure(other), None if reading.picture is None else reading.picture(other))
            for other in similar
        ),
        reading.between,
    )
