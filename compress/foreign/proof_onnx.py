"""Somebody's model file against itself in 8 bits: parity on the calibration images, golden frames, limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.manifest import Limits, ModelFile, Network
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError
from edgelens.runtime.metrics.interval import paired_loss
from edgelens.runtime.metrics.signal import distance_of
from edgelens.runtime.tasks.catalog import task_of
from edgelens.runtime.tasks.label_match import match_labels
from edgelens.runtime.tasks.task import Answer

from ..bundle.assemble import processor
from ..learn.pictures import Pictures
from ..proof.decoded import decoded
from ..proof.golden import GoldenFrames, alike_wide, frames_of, png_frames
from ..proof.limits import limits_of
from ..proof.parity import FileParity, Parity, finite_db
from ..timing.timing import Timing
from .bundle_file import answers_of, outputs_of, stacked

__all__ = ["golden_of", "parity_of_files", "problems_of", "proven"]

LEAST_SNR_DB = 10.0
GOLDEN = 12


def parity_of_files(
    bundle: Bundle, network: Network, original: ModelFile, files: Sequence[ModelFile], pictures: Pictures
) -> Parity:
    """Every file against the one that came, on the calibration pictures, as the runtime's task judges it."""
    ours = answers_of(bundle, network, original, pictures.pixels)
    right = _judge_of(network, pictures, ours)
    rows = []
    for file in files:
        theirs = answers_of(bundle, network, file, pictures.pixels)
        snr, difference = distance_of(stacked(ours), stacked(theirs))
        agreement = task_of(network.task).agreement(ours, theirs)
        rows.append(
            FileParity(
                file.path,
                f"{file.precision} ONNX",
                file.precision,
                snr,
                agreement,
                difference,
                _share(right(theirs)),
                _lost(right(ours), right(theirs)),
            )
        )
    return Parity(len(pictures), _share(right(ours)), tuple(rows))


def problems_of(row: FileParity) -> list[str]:
    """What speaks against bundling an 8-bit file."""
    enough = row.snr_db >= LEAST_SNR_DB
    return [] if enough else [f"the 8-bit file stands only {row.snr_db:.1f} dB above its error"]


def golden_of(bundle: Bundle, network: Network, file: ModelFile, images: ImageSet) -> GoldenFrames:
    """A few of the images and what the file that came answers to them."""
    frames, pictures = alike_wide(frames_of(images, GOLDEN), network.pixels)
    return GoldenFrames(png_frames(frames), pictures, outputs_of(bundle, network, file, list(pictures)))


def proven(
    bundle: Bundle,
    network: Network,
    file: ModelFile,
    golden: GoldenFrames,
    parity: Parity,
    timings: Mapping[str, Timing],
    poorer: Mapping[str, str],
) -> ModelFile:
    """A file's line of the manifest with what was measured of it and what it is held to."""
    row = {k: v for k, v in parity.of(file.path).to_json().items() if k != "file" and v == v}  # NaN is not equal to it
    measured: dict[str, Any] = {**timings[file.path].to_json(), **row, "device": processor()}
    if file.path in poorer:
        measured["poorer"] = poorer[file.path]
    limits = _limits(bundle, network, file, golden)
    return ModelFile(file.path, file.engine, file.precision, file.tensor, outputs=file.outputs, limits=limits,
                     measured=measured)  # fmt: skip


def _judge_of(
    network: Network, pictures: Pictures, reference: Sequence[Answer]
) -> Callable[[Sequence[Answer]], NDArray[np.bool_] | None]:
    """Which answers fit the folder's classes (N,); None where the folder or the task says nothing of any."""
    columns = _columns(network, pictures.images, reference)

    def right(answers: Sequence[Answer]) -> NDArray[np.bool_] | None:
        if columns is None:
            return None
        values = np.stack([answer.seen.maps["probabilities"] for answer in answers])
        known = np.where(columns[None] < 0, -np.inf, values[:, np.maximum(columns, 0)])
        fits: NDArray[np.bool_] = known.argmax(axis=1) == pictures.labels
        return fits

    return right


def _share(right: NDArray[np.bool_] | None) -> float:
    return math.nan if right is None else float(right.mean())


def _lost(before: NDArray[np.bool_] | None, after: NDArray[np.bool_] | None) -> tuple[float, float] | None:
    return None if before is None or after is None else paired_loss(before, after)


def _columns(network: Network, images: ImageSet, answers: Sequence[Answer]) -> NDArray[np.intp] | None:
    """Where each of the folder's classes stands among the probabilities; None where there are none."""
    probabilities = answers[0].seen.maps.get("probabilities")
    if probabilities is None or len(images.classes) < 2:
        return None
    try:
        columns: NDArray[np.intp] = match_labels(images.classes, network.labels, len(probabilities)).columns
    except DataError:
        return None
    return columns


def _limits(bundle: Bundle, network: Network, file: ModelFile, golden: GoldenFrames) -> Limits:
    """What the file is off here, less a margin; agreement in things that come and go needs a wider one."""
    ours = decoded(network, golden.reference)
    theirs = answers_of(bundle, network, file, golden.pictures)
    here, _ = distance_of(golden.reference, stacked(theirs))
    task = task_of(network.task)
    agreement = task.agreement(ours, theirs)
    if file.precision != "float32" and not _one_answer_a_picture(ours):
        return Limits(0.6, round(finite_db(here) - 6, 1), 0.4, round(min(finite_db(here) - 10, 8.0), 1))
    return limits_of(file.precision, agreement, finite_db(here), slack=1.5 / len(golden.pictures))


def _one_answer_a_picture(answers: Sequence[Answer]) -> bool:
    """Whether there is one thing in every picture: a close call then costs one of them, not a few."""
    return {len(answer.seen) for answer in answers} == {1}
