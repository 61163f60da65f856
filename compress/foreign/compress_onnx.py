"""`edgelens compress model.onnx --calibrate DIR`: somebody's network in 8 bits, against itself in float."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle import Bundle, write_bundle
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError, UsageError, WorkError
from edgelens.runtime.evaluate import match_labels
from edgelens.runtime.manifest import Limits, Manifest, ModelFile, Network, Provenance
from edgelens.runtime.model import open_model
from edgelens.runtime.preprocess import to_tensor
from edgelens.version import __version__

from ..artifact import Artifact
from ..assemble import now, processor
from ..card import Card, CardRow
from ..config import CompressConfig
from ..gate import Timing, choose_file, time_artifacts
from ..golden import GoldenFrames, frames_of, png_frames
from ..material import calibration_folder
from ..pictures import Pictures, pictures_of
from ..report import report_html
from ..steps import Steps
from ..verify_parity import FileParity, Parity, snr_db
from .bundle_file import outputs_of
from .onnx_model import load_onnx, prepared_onnx
from .quantize_onnx import OBSERVERS, best_quantized

__all__ = ["CompressedFile", "compress_onnx"]

FLOAT, INT8 = "models/main.float32.onnx", "models/main.int8.onnx"
LEAST_SNR_DB = 10.0


@dataclass(frozen=True)
class CompressedFile:
    """The bundle of somebody's model, and what was found out about it."""

    bundle: Bundle
    card: Card
    parity: Parity
    timings: Mapping[str, Timing]
    report: str


def compress_onnx(
    model: str,
    out: str | Path,
    calibrate: str,
    config: CompressConfig | None = None,
    said: Mapping[str, Any] | None = None,
    *,
    steps: Steps | None = None,
) -> CompressedFile:
    """Quantize an .onnx file with images from a folder and bundle it with its float self."""
    config, steps = config or CompressConfig(), steps or Steps(quiet=True)
    if Path(out).suffix != ".edge":
        raise UsageError(f"--out {out}: a bundle's name ends in .edge")
    with steps.step("reading the model and the images"):
        original = load_onnx(model)
        opened = open_model(model, **dict(said or {}))
        network = opened.manifest.main
        images = calibration_folder(calibrate)
        pictures = pictures_of(images, network.pixels, most=config.calibration_images, seed=config.seed)
    with steps.step("preparing"):
        prepared, notes = prepared_onnx(original, model)
    file = network.files[0]

    def inputs() -> Iterator[NDArray[Any]]:
        for picture in pictures.pixels:
            yield to_tensor(picture, file.tensor)

    with steps.step("quantizing"):
        outputs = list(file.outputs) or [value.name for value in prepared.graph.output][: len(network.outputs)]
        observers = (config.observer,) if config.observer else OBSERVERS
        quantized = best_quantized(prepared, inputs, outputs, observers, say=steps.update)
    artifacts = [
        Artifact("onnxruntime", "float32", prepared.SerializeToString(), file.tensor, tuple(outputs)),
        Artifact("onnxruntime", "int8", quantized.model.SerializeToString(), file.tensor, tuple(outputs)),
    ]
    memory = {artifact.path: artifact.data for artifact in artifacts}
    files = tuple(_line(artifact) for artifact in artifacts)
    held = Bundle(dataclasses.replace(opened.manifest, networks={"main": dataclasses.replace(network, files=files)}),
                  memory={**memory, file.path: opened.read(file.path)})  # fmt: skip
    with steps.step("checking parity"):
        parity = _parity(held, network, file, files, pictures)
        _require(parity, config, steps)
    with steps.step("timing"):
        timings = time_artifacts(artifacts, pictures.pixels[0], threads=config.threads)
    preferred, said_by_gate = choose_file(artifacts, parity, timings, config.max_drop)
    golden = _golden(held, network, file, images)
    network = dataclasses.replace(
        network,
        files=tuple(
            dataclasses.replace(f, limits=_limits(held, network, f, golden), measured=_measured(f, parity, timings))
            for f in files
        ),
        preferred=preferred,
    )
    left = {
        name: "costs too much accuracy in 8 bits"
        if name in quantized.mixed
        else "behind the last layer, or the classifier"
        for name in quantized.left_float
    }
    taken = max(quantized.tried, key=lambda name: quantized.tried[name])
    extra = {"left_float": left, "quantization": {"taken": [taken], "tried_db": quantized.tried}}
    card = _card(config.name or Path(out).stem, model, network, artifacts, parity, timings, preferred,
                 [*opened.notes, *notes, *said_by_gate], config, extra, len(pictures))  # fmt: skip
    for note in card.notes:
        steps.say(note)
    with steps.step("writing"):
        line, frames = golden.entries()
        entries = {**memory, **frames, "card.json": card.to_json(), "card.md": card.to_markdown()}
        source = {"from": Path(model).name}
        provenance = Provenance(f"edgelens {__version__}", config.command, created=now(), notes=source)
        manifest = Manifest(card.name, {"main": network}, golden=(line,), provenance=provenance)
        bundle = write_bundle(out, manifest, entries)
    return CompressedFile(bundle, card, parity, timings, report_html(card, parity))


def _line(artifact: Artifact) -> ModelFile:
    return ModelFile(artifact.path, artifact.engine, artifact.precision, artifact.tensor, outputs=artifact.outputs)


def _parity(
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


def _require(parity: Parity, config: CompressConfig, steps: Steps) -> None:
    row = parity.of(INT8)
    if row.snr_db >= LEAST_SNR_DB:
        return
    problem = f"the 8-bit file stands only {row.snr_db:.1f} dB above its error"
    if not config.allow_mismatch:
        raise WorkError(f"{problem}: no bundle is written (--allow-mismatch writes it all the same)")
    steps.say(problem)


def _golden(held: Bundle, network: Network, file: ModelFile, images: ImageSet) -> GoldenFrames:
    from edgelens.runtime.preprocess import fit

    frames = frames_of(images, 12)
    pictures = [fit(frame, network.pixels)[0] for frame in frames]
    return GoldenFrames(png_frames(frames), np.stack(pictures), outputs_of(held, network, file, pictures))


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


def _measured(file: ModelFile, parity: Parity, timings: Mapping[str, Timing]) -> dict[str, Any]:
    row = {k: v for k, v in parity.of(file.path).to_json().items() if k != "file" and v == v}
    return {**timings[file.path].to_json(), **row, "device": processor()}


def _card(
    name: str,
    model: str,
    network: Network,
    artifacts: Sequence[Artifact],
    parity: Parity,
    timings: Mapping[str, Timing],
    preferred: str,
    notes: Sequence[str],
    config: CompressConfig,
    extra: Mapping[str, Any],
    count: int,
) -> Card:
    rows = []
    for artifact in artifacts:
        row, timing = parity.of(artifact.path), timings[artifact.path]
        rows.append(
            CardRow(
                artifact.title,
                None if np.isnan(row.accuracy) else row.accuracy,
                len(artifact.data),
                timing.p50_ms,
                timing.p95_ms,
                round(row.snr_db, 2),
                row.agreement if network.task == "classify" else None,
                artifact.path,
                "preferred" if artifact.path == preferred else "",
            )
        )
    where = f"the {count} calibration images"
    return Card(name, network.task, len(network.labels), Path(model).name, where, processor(), tuple(rows),
                config.command, tuple(notes), extra)  # fmt: skip
