"""Somebody's model file against itself in 8 bits: parity on the calibration images, golden frames, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.manifest import Limits, ModelFile, Network
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError, WorkError
from edgelens.runtime.preprocess import fit
from edgelens.runtime.tasks.label_match import match_labels

from ..bundle.assemble import processor
from ..learn.pictures import Pictures
from ..progress import Steps
from ..proof.golden import GoldenFrames, frames_of, png_frames
from ..proof.parity import FileParity, Parity, snr_db
from ..timing.timing import Timing
from .bundle_file import outputs_of

__all__ = ["golden_of", "parity_of_files", "proven", "require_parity"]

LEAST_SNR_DB = 10.0
GOLDEN = 12


def parity_of_files(
    held: Bundle, network: Network, original: ModelFile, files: Sequence[ModelFile], pictures: Pictures
) -> Parity:
    """Every file against the one that came, on the calibration pictures."""
    reference = _flat(outputs_of(held, network, original, list(pictures.pixels)))
    columns = _columns(network, pictures.images, reference)
    rows = []
    for file in files:
        values = _flat(outputs_of(held, network, file, list(pictures.pixels)))
        rows.append(
            FileParity(
                file.path,
                f"{file.precision} ONNX",
                file.precision,
                snr_db(values, reference),
                float((values.argmax(1) == reference.argmax(1)).mean()),
                float(np.abs(values - reference).max()),
                _accuracy(values, pictures.labels, columns),
            )
        )
    return Parity(len(pictures), _accuracy(reference, pictures.labels, columns), tuple(rows))


def require_parity(parity: Parity, path: str, steps: Steps, *, allow_mismatch: bool) -> None:
    """An 8-bit file that answers something else is not bundled unless asked for."""
    row = parity.of(path)
    if row.snr_db >= LEAST_SNR_DB:
        return
    problem = f"the 8-bit file stands only {row.snr_db:.1f} dB above its error"
    if not allow_mismatch:
        raise WorkError(f"{problem}: no bundle is written (--allow-mismatch writes it all the same)")
    steps.say(problem)


def golden_of(held: Bundle, network: Network, file: ModelFile, images: ImageSet) -> GoldenFrames:
    """A few of the images and what the file that came answers to them."""
    frames = frames_of(images, GOLDEN)
    pictures = [fit(frame, network.pixels)[0] for frame in frames]
    return GoldenFrames(png_frames(frames), np.stack(pictures), outputs_of(held, network, file, pictures))


def proven(
    held: Bundle,
    network: Network,
    file: ModelFile,
    golden: GoldenFrames,
    parity: Parity,
    timings: Mapping[str, Timing],
) -> ModelFile:
    """A file's line of the manifest with what was measured of it and what it is held to."""
    row = {k: v for k, v in parity.of(file.path).to_json().items() if k != "file" and v == v}  # NaN is not equal to it
    measured: dict[str, Any] = {**timings[file.path].to_json(), **row, "device": processor()}
    limits = _limits(held, network, file, golden)
    return ModelFile(file.path, file.engine, file.precision, file.tensor, outputs=file.outputs, limits=limits,
                     measured=measured)  # fmt: skip


def _columns(network: Network, images: ImageSet, reference: NDArray[np.float32]) -> NDArray[np.intp] | None:
    """Where each of the folder's classes stands among the outputs; None where the folder says nothing of them."""
    if network.task != "classify" or len(images.classes) < 2:
        return None
    try:
        return match_labels(images.classes, network.labels, reference.shape[1]).columns
    except DataError:
        return None


def _accuracy(values: NDArray[np.float32], labels: NDArray[np.int32], columns: NDArray[np.intp] | None) -> float:
    if columns is None:
        return float("nan")
    known = np.where(columns[None] < 0, -np.inf, values[:, np.maximum(columns, 0)])
    return float((known.argmax(1) == labels).mean())


def _flat(outputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([value.reshape(len(value), -1) for value in outputs.values()], axis=1)


def _limits(held: Bundle, network: Network, file: ModelFile, golden: GoldenFrames) -> Limits:
    reference = _flat(golden.reference)
    values = _flat(outputs_of(held, network, file, list(golden.pictures)))
    here = snr_db(values, reference)
    agreement = float((values.argmax(1) == reference.argmax(1)).mean())
    if file.precision == "float32":
        return Limits(round(agreement, 4), round(min(here - 20, 60.0), 1))
    if network.task != "classify":  # `verify` counts the boxes that agree
        return Limits(0.6, round(here - 6, 1), 0.4, round(min(here - 10, 8.0), 1))
    slack = 1.5 / len(reference)
    return Limits(
        round(max(agreement - slack, 0.0), 4), round(here - 6, 1),
        round(max(agreement - 2 * slack, 0.0), 4), round(min(here - 12, 12.0), 1),
    )  # fmt: skip
