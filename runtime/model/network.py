"""One network with one of its model files loaded: the code path that camera, evaluation and verification share."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import ModelFile, Network
from ..decode.catalog import decoder_for
from ..engines.catalog import available, open_engine
from ..engines.protocol import EngineOptions, dequantized
from ..errors import ModelError
from ..preprocess import Placement, Region, fit, to_tensor
from ..recognitions import Recognitions

__all__ = ["LoadedNetwork", "StageTimes", "choose_file", "with_threshold"]


@dataclass
class StageTimes:
    """Milliseconds spent in each stage, summed over the steps of one frame."""

    preprocess: float = 0.0
    infer: float = 0.0
    decode: float = 0.0

    def as_dict(self) -> dict[str, float]:
        """The stages by name, in their order."""
        return {"preprocess": self.preprocess, "infer": self.infer, "decode": self.decode}


def choose_file(network: Network, engine: str = "auto", precision: str | None = None) -> ModelFile:
    """The model file that an engine and a precision ask for; the preferred one that can run here unless said."""
    engine = engine.partition(":")[0]  # what it runs on is no question of the file
    ranked = sorted(network.files, key=lambda file: file.path != network.preferred)
    fitting = [f for f in ranked if engine in ("auto", f.engine) and precision in (None, f.precision)]
    if not fitting:
        there = ", ".join(f"{file.engine} {file.precision}" for file in network.files)
        raise ModelError(f"no model file for --engine {engine} --precision {precision or 'any'}; there are: {there}")
    return next((file for file in fitting if available(file.engine)), fitting[0])


def with_threshold(network: Network, threshold: float | None) -> Network:
    """The network with another rejection threshold in its decode settings."""
    return network if threshold is None else replace(network, decode=network.decode.at(threshold))


class LoadedNetwork:
    """A network ready to run: geometry, tensor, engine and decoder in one call each."""

    def __init__(self, bundle: Bundle, network: Network, file: ModelFile, options: EngineOptions | None = None) -> None:
        self.network, self.file = network, file
        self.engine = open_engine(file.engine, bundle.read(file.path), options)
        self._decode = decoder_for(network)
        self._names = self._output_names()
        self._input_shape = self._checked_input()

    def outputs(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        """The network's outputs by name, in real numbers, for a picture (H, W, C) made by `preprocess.fit`."""
        return self._named(self._run(to_tensor(pixels, self.file.tensor)))

    def decode(self, outputs: Mapping[str, NDArray[Any]], placement: Placement) -> Recognitions:
        """What outputs say, those of this file or a reference's."""
        return self._decode(outputs, placement)

    def recognize(
        self, image: NDArray[np.uint8], region: Region | None, times: StageTimes, threshold: float | None = None
    ) -> Recognitions:
        """What the network sees in a BGR image, adding to the stage times; a threshold here is for this image."""
        start = time.perf_counter()
        pixels, placement = fit(image, self.network.pixels, region)
        tensor = to_tensor(pixels, self.file.tensor)
        prepared = time.perf_counter()
        raw = self._run(tensor)
        inferred = time.perf_counter()
        seen = self._decode(self._named(raw), placement, threshold)
        times.preprocess += (prepared - start) * 1e3
        times.infer += (inferred - prepared) * 1e3
        times.decode += (time.perf_counter() - inferred) * 1e3
        return seen

    def __enter__(self) -> LoadedNetwork:
        self.engine.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.engine.__exit__(*exc)

    def _run(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        return self.engine.run([tensor if self._input_shape is None else tensor.reshape(self._input_shape)])

    def _checked_input(self) -> tuple[int, ...] | None:
        """Refuse a file that takes another picture than its contract says; the shape to give where it is not 4-D."""
        if len(self.engine.inputs) != 1:
            raise ModelError(f"{self.file.path}: has {len(self.engine.inputs)} inputs; networks of one run here")
        info, pixels, tensor = self.engine.inputs[0], self.network.pixels, self.file.tensor
        height, width, channels = pixels.height, pixels.width, pixels.channels
        given = (1, height, width, channels) if tensor.layout == "NHWC" else (1, channels, height, width)
        wanted = given if len(info.shape) == 4 else (1, height, width)
        fits = len(info.shape) == len(wanted) and math.prod(wanted) == math.prod(given)
        if not fits or any(axis not in (None, side) for axis, side in zip(info.shape, wanted, strict=True)):
            raise ModelError(f"{self.file.path}: takes {info.shape}, its contract says {given}")
        if info.dtype != tensor.dtype:
            raise ModelError(f"{self.file.path}: takes {info.dtype}, its contract says {tensor.dtype}")
        if max(len(tensor.mean), len(tensor.std)) not in (1, channels):
            raise ModelError(f"{self.file.path}: its contract has three means for {channels} channel")
        return None if wanted == given else wanted

    def _output_names(self) -> list[tuple[str, int]]:
        """Pairs of the name that decoders know and the index in the file's outputs."""
        there = [info.name for info in self.engine.outputs]
        if len(self.network.outputs) > len(there) or (
            self.file.outputs and len(self.file.outputs) != len(self.network.outputs)
        ):
            raise ModelError(
                f"{self.file.path}: has {len(there)} outputs, not the {len(self.network.outputs)} expected"
            )
        if not self.file.outputs:
            return [(output.name, i) for i, output in enumerate(self.network.outputs)]
        wanted = self.file.outputs
        if missing := [name for name in wanted if name not in there]:
            raise ModelError(f"{self.file.path}: has no output {missing[0]!r}; there are {', '.join(there)}")
        return [(output.name, there.index(name)) for output, name in zip(self.network.outputs, wanted, strict=True)]

    def _named(self, raw: list[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {name: dequantized(raw[i], self.engine.outputs[i]) for name, i in self._names}
