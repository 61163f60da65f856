"""One network with one of its model files loaded: picture in, outputs by name out, decoded where they lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import ModelFile, Network
from ..decode.protocol import Decoder
from ..engines.catalog import available, open_engine
from ..engines.protocol import EngineOptions
from ..errors import ModelError
from ..formats.tensor import dequantized
from ..preprocess import Placement, to_tensor
from ..recognitions import Recognitions
from ..tasks.catalog import decoder_of
from .taught import taught_of

if TYPE_CHECKING:
    from ..decode.known import Known
    from .shared_engine import SharedEngine

__all__ = ["LoadedNetwork", "Outputs", "choose_file"]

Outputs = dict[str, NDArray[Any]]


def choose_file(network: Network, engine: str = "auto", precision: str | None = None) -> ModelFile:
    """The model file that an engine and a precision ask for; the preferred one that can run here unless said."""
    engine = engine.partition(":")[0]  # what it runs on is no question of the file
    ranked = sorted(network.files, key=lambda file: file.path != network.preferred)
    fitting = [f for f in ranked if engine in ("auto", f.engine) and precision in (None, f.precision)]
    if not fitting:
        there = ", ".join(f"{file.engine} {file.precision}" for file in network.files)
        raise ModelError(f"no model file for --engine {engine} --precision {precision or 'any'}; there are: {there}")
    return next((file for file in fitting if available(file.engine)), fitting[0])


class LoadedNetwork:
    """A network ready to run; one thread asks it, or many once it is shared."""

    def __init__(
        self,
        bundle: Bundle,
        network: Network,
        file: ModelFile,
        options: EngineOptions | None = None,
        *,
        taught: bool = False,
    ) -> None:
        self.network, self.file, self.options = network, file, options or EngineOptions()
        self.engine = open_engine(file.engine, bundle.read(file.path), options)
        self._decode = decoder_of(network)
        known = None
        if isinstance(entry := network.decode.options.get("known"), str):
            known = _known(bundle, network, entry)
            self._decode = _knowing(self._decode, network, known)
        self.taught = taught_of(bundle, network, file, known) if taught else None
        self._names = self._output_names()
        self._check_output_shapes()
        self._input_shape = self._checked_input()
        self.shared: SharedEngine | None = None
        self.batch = 1  # pictures at once
        self.tile = int(network.decode.options.get("tile", 1))  # its decoder has read and checked it

    def outputs(self, pixels: NDArray[np.uint8]) -> Outputs:
        """The outputs by name, in real numbers, with a batch axis, for a picture (H, W, C) that `fit_frame` made."""
        return self._outputs(pixels) if self.shared is None else self.shared.outputs(pixels)

    def outputs_of_many(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Outputs]:
        """The outputs of several pictures, in batches where `measure_batches` has found that they pay."""
        if self.batch == 1 or len(pictures) < 2:
            return [{name: np.array(values) for name, values in self.outputs(one).items()} for one in pictures]
        answers: dict[int, Outputs] = {}
        for rows in _batches([picture.shape for picture in pictures], self.batch):
            outputs = self._outputs(np.stack([pictures[row] for row in rows]))
            answers |= {
                row: {name: values[i : i + 1] for name, values in outputs.items()} for i, row in enumerate(rows)
            }
        return [answers[row] for row in range(len(pictures))]

    def measure_batches(self) -> None:
        """Find out whether several pictures at once are faster than one by one."""
        if self.engine.inputs[0].shape[:1] == (None,):
            from .shared_engine import batch_pays

            pixels = self.network.pixels
            self.batch = batch_pays(
                self._outputs, np.full((pixels.height, pixels.width, pixels.channels), 128, np.uint8)
            )

    def share(self) -> None:
        """From here on many threads may ask at once."""
        from .shared_engine import SharedEngine

        self.measure_batches()
        self.shared = SharedEngine(self._outputs, self.batch)

    def decode(
        self,
        outputs: Mapping[str, NDArray[Any]],
        placement: Placement,
        threshold: float | None = None,
        *,
        named: bool = True,
    ) -> Recognitions:
        """What outputs say, those of this file or a reference's; a threshold here is for them alone.

        With `named` left out, nobody whom the device was taught is named in it.
        """
        seen = self._decode(outputs, placement, threshold)
        return self.taught.named(seen, outputs) if named and self.taught is not None else seen

    def __enter__(self) -> LoadedNetwork:
        self.engine.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.engine.__exit__(*exc)

    def _outputs(self, pixels: NDArray[np.uint8]) -> Outputs:
        tensor = to_tensor(pixels, self.file.tensor)
        raw = self.engine.run([tensor if self._input_shape is None else tensor.reshape(self._input_shape)])
        return {name: dequantized(raw[i], self.engine.outputs[i]) for name, i in self._names}

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

    def _check_output_shapes(self) -> None:
        """Refuse a file that answers with more or fewer numbers than its contract says, as far as both tell."""
        for output, (_, i) in zip(self.network.outputs, self._names, strict=True):
            axes = self.engine.outputs[i].shape
            if not output.shape or 0 in output.shape or not axes or None in axes[1:]:
                continue
            if math.prod(axis or 1 for axis in axes) != math.prod(output.shape):
                raise ModelError(f"{self.file.path}: gives {output.name} {axes}, its contract says {output.shape}")


def _batches(shapes: Sequence[tuple[int, ...]], most: int) -> list[list[int]]:
    """Rows that go through together: of one shape, at most so many."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for row, shape in enumerate(shapes):
        alike.setdefault(shape, []).append(row)
    return [rows[start : start + most] for rows in alike.values() for start in range(0, len(rows), most)]


def _knowing(decode: Decoder, network: Network, known: Known) -> Decoder:
    """The decoder with what the bundle says of learned pictures."""
    from ..decode.known import with_known

    return with_known(decode, known, by_label=bool(network.decode.thresholds))


def _known(bundle: Bundle, network: Network, entry: str) -> Known:
    """What the bundle says of learned pictures."""
    from ..decode.known import FEATURES, known_from

    where = f"{bundle.path or bundle.manifest.name}: {entry}"
    width = next((output.shape[0] for output in network.outputs if output.name == FEATURES and output.shape), 0)
    if entry not in bundle.manifest.entries or not width:
        raise ModelError(f"{where}: is named as what the network knows, but is not there, or it gives no {FEATURES}")
    return known_from(bundle.read(entry), where, width)
