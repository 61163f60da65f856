"""A bundle's first step looks at the frame; what later ones do with what it found is `later_steps.py`'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Manifest
from ..frame import Frame
from ..preprocess import Region, fit_frame
from ..recognitions import Recognitions
from .following import Follower
from .network import LoadedNetwork
from .seen import Clock, Seen

__all__ = ["run_many", "run_steps"]


def run_steps(
    manifest: Manifest,
    networks: Mapping[str, LoadedNetwork],
    image: NDArray[np.uint8],
    region: Region | None,
    threshold: float | None,
    *,
    follow: tuple[Follower, Frame] | None = None,
) -> Seen:
    """What a BGR frame shows. A region is of the steps that look at the frame, a threshold the last step's.

    Where things are followed, that is done with the first step's rows, so that later ones know them.
    """
    first, *later = manifest.steps
    network, clock = networks[first.network], Clock()
    look = _look if network.tile == 1 else _look_in_tiles
    held = None if later else threshold
    if follow is not None:
        follower, frame = follow
        held = follower.begin(frame, network.network.decode.at(held))
    seen = look(network, image, region, held, clock)
    if follow is not None:
        seen = replace(seen, recognitions=follower.follow(seen.recognitions))
        clock.lap("track")
    if not later:
        return seen
    from .later_steps import followed  # a camera with one network starts without it

    memory = None if follow is None else follow[0].memory
    return followed(manifest, networks, image, seen.recognitions, threshold, clock, seen.view, memory=memory)


def _look(
    network: LoadedNetwork, image: NDArray[np.uint8], region: Region | None, threshold: float | None, clock: Clock
) -> Seen:
    """One look at the whole frame."""
    pixels, placement = fit_frame(image, network.network.pixels, region)
    clock.lap("preprocess")
    outputs = network.outputs(pixels)
    clock.lap("infer")
    seen = network.decode(outputs, placement, threshold)
    clock.lap("decode")
    return Seen(seen, clock.stages, placement.view, outputs)


def _look_in_tiles(
    network: LoadedNetwork, image: NDArray[np.uint8], region: Region | None, threshold: float | None, clock: Clock
) -> Seen:
    from .tiles import looked_at_in_tiles  # few cameras look twice

    return looked_at_in_tiles(network, image, region, threshold, clock)


def run_many(
    manifest: Manifest,
    networks: Mapping[str, LoadedNetwork],
    images: Sequence[NDArray[np.uint8]],
    region: Region | None,
    threshold: float | None,
) -> list[Recognitions]:
    """What several BGR frames show, in batches where the network takes them and they pay."""
    if len(manifest.steps) > 1 or networks[manifest.steps[0].network].tile > 1:
        return [run_steps(manifest, networks, image, region, threshold).recognitions for image in images]
    network = networks[manifest.steps[0].network]
    fitted = [fit_frame(image, network.network.pixels, region) for image in images]
    outputs = network.outputs_of_many([pixels for pixels, _ in fitted])
    return [network.decode(each, placement, threshold) for each, (_, placement) in zip(outputs, fitted, strict=True)]
