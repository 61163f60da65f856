"""The kit's own detectors: distances around cells become boxes in the frame, by each class's own threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode, Network, Output
from edgelens.runtime.decode.catalog import decoder_for
from edgelens.runtime.decode.lens_det import candidates, levels_of
from edgelens.runtime.errors import ModelError
from edgelens.runtime.preprocess import PixelContract, fit_frame

STRIDES = (8, 16, 32)


def network(**changes: Any) -> Network:
    outputs = tuple(
        Output(f"{kind}{s}", (count, 64 // s, 64 // s))
        for kind, count in (("scores", 2), ("sides", 4))
        for s in STRIDES
    )
    decode = Decode("lens-det", threshold=0.5, thresholds={"cup": 0.3}, options={"finest": 8, "iou": 0.6})
    made = {"outputs": outputs, "decode": decode} | changes
    return Network("detect", ("cup", "jug"), PixelContract(64, 64, "rgb", "letterbox"), files=(), **made)


def maps() -> dict[str, Any]:
    found = {f"scores{s}": np.zeros((1, 2, 64 // s, 64 // s), np.float32) for s in STRIDES}
    found |= {f"sides{s}": np.ones((1, 4, 64 // s, 64 // s), np.float32) for s in STRIDES}
    found["scores8"][0, 0, 2, 3] = 0.4  # a cup around (28, 20)
    found["scores8"][0, 0, 2, 4] = 0.35  # the same one again
    found["sides8"][0, :, 2, 4] = [2, 1, 0, 1]
    found["scores32"][0, 1, 1, 0] = 0.6  # a jug around (16, 48)
    found["scores16"][0, 1, 0, 0] = 0.45  # under its threshold
    return found


def test_cells_become_boxes_in_the_frame() -> None:
    _, placement = fit_frame(np.zeros((64, 128, 3), np.uint8), PixelContract(64, 64, "rgb", "letterbox"))
    seen = decoder_for(network())(maps(), placement)
    assert [(seen.labels[i], round(float(s), 2)) for i, s in zip(seen.ids, seen.scores, strict=True)] == [
        ("jug", 0.6),
        ("cup", 0.4),
    ]
    assert seen.boxes is not None
    assert seen.boxes[1].tolist() == [40, 0, 32, 24]  # scale ½, 16 rows of bars above
    assert len(decoder_for(network())(maps(), placement, 0.42)) == 2, "an asked threshold holds for every class"


def test_cells_of_stride_4_become_boxes_of_small_things() -> None:
    outputs = (*network().outputs, Output("scores4", (2, 16, 16)), Output("sides4", (4, 16, 16)))
    decode = Decode("lens-det", threshold=0.5, options={"finest": 4, "iou": 0.6})
    found = maps() | {"scores4": np.zeros((1, 2, 16, 16), np.float32), "sides4": np.ones((1, 4, 16, 16), np.float32)}
    found["scores4"][0, 1, 5, 9] = 0.9  # around (38, 22)
    found["sides4"][0, :, 5, 9] = [1, 0.5, 0.5, 1]
    _, placement = fit_frame(np.zeros((64, 64, 3), np.uint8), PixelContract(64, 64, "rgb", "letterbox"))
    seen = decoder_for(network(outputs=outputs, decode=decode))(found, placement)
    assert seen.boxes is not None
    assert (seen.labels[seen.ids[0]], seen.boxes[0].tolist()) == ("jug", [34, 20, 6, 6])


def test_the_best_of_too_many_are_taken() -> None:
    every = {name: values[0] for name, values in maps().items()}
    every["scores8"][:] = np.linspace(0.1, 0.9, 128, dtype=np.float32).reshape(2, 8, 8)
    found = candidates(levels_of(every, STRIDES), 0.05, 10)
    assert len(found.scores) == 10
    assert found.scores.min() > 0.8


def test_a_network_without_the_maps_is_refused() -> None:
    with pytest.raises(ModelError, match="lens-det needs an output called 'scores4'"):
        decoder_for(network(decode=Decode("lens-det", options={"finest": 4})))
