"""A finished model file wrapped as it is, with golden frames that it made itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.manifest import Golden, Limits, Manifest, ModelFile, Network, Provenance
from edgelens.runtime.datasets.catalog import load_pictures
from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.errors import DataError, UsageError
from edgelens.runtime.host.clock import now
from edgelens.runtime.model.network import LoadedNetwork
from edgelens.runtime.model.verify import verify_bundle
from edgelens.runtime.tasks.task import Answer
from edgelens.version import __version__

from ..bundle.assemble import checked_target
from ..proof.decoded import decoded
from ..proof.golden import GoldenFrames, alike_wide, frames_of, png_frames
from .opened import open_to_bundle

__all__ = ["Bundled", "answers_of", "bundle_file", "outputs_of", "self_made_golden", "stacked"]

GOLDEN = 12


@dataclass(frozen=True)
class Bundled:
    """A bundle of somebody's file, and what had to be assumed of it."""

    bundle: Bundle
    notes: tuple[str, ...]


def bundle_file(
    model: str,
    out: str | Path,
    said: Mapping[str, Any] | None = None,
    *,
    images: str | None = None,
    name: str | None = None,
    command: str = "",
) -> Bundled:
    """Wrap a .tflite or .onnx file; `said` are options of `open_model`, `images` a folder to prove it with."""
    checked_target(out)
    opened = open_to_bundle(model, said or {})
    if opened.path is not None:
        raise UsageError(f"{model}: is a bundle already; `edgelens bundle` wraps a .tflite or .onnx file")
    network = opened.manifest.main
    file = network.files[0]
    entries = {file.path: opened.read(file.path)}
    notes = list(opened.notes)
    golden: tuple[Golden, ...] = ()
    if images is not None:
        made = self_made_golden(opened, network, file, images)
        line, frames = made.entries()
        golden, entries = (line,), {**entries, **frames}
        network = dataclasses.replace(network, files=(dataclasses.replace(file, limits=_limits(file)),))
    else:
        notes.append("no golden frames: give --images DIR and `edgelens verify` can prove it on other machines")
    provenance = Provenance(f"edgelens {__version__}", command, created=now(), notes={"from": Path(model).name})
    manifest = Manifest(name or Path(out).stem, {"main": network}, golden=golden, provenance=provenance)
    bundle = write_bundle(out, manifest, entries)
    if golden:
        notes += verify_bundle(bundle).doubts
    return Bundled(bundle, tuple(notes))


def self_made_golden(
    bundle: Bundle, network: Network, file: ModelFile, images: str, count: int = GOLDEN
) -> GoldenFrames:
    """Frames from a folder and what the file itself answers to them, through the camera's code path."""
    frames, pictures = alike_wide(frames_of(load_pictures(images, "--images"), count), network.pixels)
    answers = outputs_of(bundle, network, file, list(pictures))
    if any(np.isnan(values).any() for values in answers.values()):
        raise DataError(f"{Path(file.path).name}: answers NaN to --images {images}: are --mean and --std its own?")
    return GoldenFrames(png_frames(frames), pictures, answers)


def outputs_of(
    bundle: Bundle, network: Network, file: ModelFile, pictures: Sequence[NDArray[np.uint8]]
) -> dict[str, NDArray[np.float32]]:
    """Every output of a file, (N, ...) by the name that decoders know."""
    rows: dict[str, list[NDArray[np.float32]]] = {}
    with LoadedNetwork(bundle, network, file, EngineOptions()) as loaded:
        for picture in pictures:
            for output, value in loaded.outputs(picture).items():
                rows.setdefault(output, []).append(_of_one_picture(np.array(value, np.float32)))
    return {output: np.stack(values) for output, values in rows.items()}


def _of_one_picture(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """An output without its axis of pictures, where it comes first: readers of text may have their steps there."""
    return values[0] if values.ndim and len(values) == 1 else values


def answers_of(bundle: Bundle, network: Network, file: ModelFile, pictures: NDArray[np.uint8]) -> list[Answer]:
    """What a file answers to each picture (N, H, W, C), as outputs and as what is seen in it."""
    outputs = outputs_of(bundle, network, file, list(pictures))
    return decoded(network, outputs)


def stacked(answers: Sequence[Answer]) -> dict[str, NDArray[np.float32]]:
    """The outputs of all pictures, (N, ...) by name."""
    return {name: np.concatenate([answer.outputs[name] for answer in answers]) for name in answers[0].outputs}


def _limits(file: ModelFile) -> Limits:
    """The file against itself: equal on its own machine, near elsewhere; 8-bit kernels differ most."""
    if file.precision == "float32":
        return Limits(0.99, 50.0)
    return Limits(0.9, 18.0, 0.8, 10.0)
