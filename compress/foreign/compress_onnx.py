"""`edgelens compress model.onnx --calibrate DIR`: somebody's network in 8 bits, against itself in float."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.manifest import Manifest, ModelFile, Network, Provenance
from edgelens.runtime.datasets.catalog import load_pictures
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.host.clock import now
from edgelens.runtime.preprocess import PixelContract
from edgelens.version import __version__

from ..bundle.assemble import checked_target, companions, file_rows, processor
from ..bundle.card import Card, CardRow
from ..bundle.report import report_html
from ..config import CompressConfig
from ..export.artifact import Artifact, input_of
from ..learn.pictures import Pictures, pictures_of
from ..progress import Progress
from ..proof.golden import GoldenFrames, alike_wide, frames_of
from ..proof.parity import Parity
from ..proof.shippable import refuse
from ..proof.verdict import verdict_of
from ..timing.on_device import require_host, timed_elsewhere
from ..timing.timing import Timing, preferred_file, time_artifacts
from .onnx_model import load_onnx, prepared_onnx
from .opened import open_to_bundle
from .proof_onnx import golden_of, parity_of_files, problems_of, proven
from .quantize_onnx import OBSERVERS, QuantizedOnnx, best_quantized

__all__ = ["CompressedFile", "compress_onnx"]

INT8 = "models/main.int8.onnx"
_LOOKED_AT = 32  # pictures that tell how wide most are


@dataclass(frozen=True)
class CompressedFile:
    """The bundle of somebody's model, and what was found out about it."""

    bundle: Bundle
    card: Card
    parity: Parity
    timings: Mapping[str, Timing]
    report: str


@dataclass(frozen=True)
class _Given:
    """The file that came, ready to be quantized, and the pictures to do it with."""

    model: str
    opened: Bundle
    prepared: Any  # ModelProto
    pictures: Pictures
    notes: tuple[str, ...]

    @property
    def network(self) -> Network:
        return self.opened.manifest.main

    @property
    def file(self) -> ModelFile:
        return self.network.files[0]

    @property
    def outputs(self) -> tuple[str, ...]:
        known = [value.name for value in self.prepared.graph.output][: len(self.network.outputs)]
        return self.file.outputs or tuple(known)

    def inputs(self) -> Iterator[NDArray[Any]]:
        """The pictures as the file takes them."""
        axes = len(self.prepared.graph.input[0].type.tensor_type.shape.dim)
        for picture in self.pictures.pixels:
            yield input_of(picture, self.file.tensor, axes)


def compress_onnx(
    model: str,
    out: str | Path,
    calibrate: str,
    config: CompressConfig | None = None,
    said: Mapping[str, Any] | None = None,
    *,
    progress: Progress | None = None,
) -> CompressedFile:
    """Quantize an .onnx file with images from a folder and bundle it with its float self."""
    config, progress = config or CompressConfig(), progress or Progress(quiet=True)
    checked_target(out, config)
    require_host(config.on)
    given = _read(model, calibrate, config, said or {}, progress)
    with progress.step("quantizing"):
        observers = (config.observer,) if config.observer else OBSERVERS
        quantized = best_quantized(
            given.prepared, given.inputs, given.outputs, observers, where=model, say=progress.update
        )
    artifacts = [
        Artifact("onnxruntime", precision, found.SerializeToString(), given.file.tensor, given.outputs)
        for precision, found in (("float32", given.prepared), ("int8", quantized.model))
    ]
    files = [ModelFile(a.path, a.engine, a.precision, a.tensor, outputs=a.outputs) for a in artifacts]
    in_memory = _in_memory(given, artifacts, files)
    with progress.step("checking parity"):
        parity = parity_of_files(in_memory, given.network, given.file, files, given.pictures)
        refuse(problems_of(parity.of(INT8)), progress, allow_mismatch=config.allow_mismatch)
    with progress.step("timing"):
        timings = time_artifacts(artifacts, given.pictures.pixels[0], threads=config.threads)
        elsewhere = timed_elsewhere(config, artifacts, progress.update)
    verdict = verdict_of(parity, max_drop=config.max_drop)
    poorer = {**verdict.broken, **verdict.poorer}
    preferred, said_by_gate = preferred_file(artifacts, parity, elsewhere.timings or timings, poorer)
    golden = golden_of(in_memory, given.network, given.file, given.pictures.images)
    network = dataclasses.replace(
        given.network,
        files=tuple(proven(in_memory, given.network, file, golden, parity, timings, poorer) for file in files),
        preferred=preferred,
    )
    rows = file_rows(artifacts, parity, timings, preferred, elsewhere=elsewhere.timings)
    notes = (*given.opened.notes, *given.notes, *elsewhere.notes, *said_by_gate)
    images = 0 if math.isnan(parity.torch_accuracy) else parity.images  # of a folder without classes nothing is right
    name = config.name or Path(out).stem
    card = _card(name, given, rows, quantized, notes, config.command, elsewhere.where, images, config.threads)
    for note in card.notes:
        progress.say(note)
    report = report_html(card, parity)
    with progress.step("writing"):
        bundle = _write(out, network, artifacts, golden, card, Path(model).name, companions(config, card, report))
    return CompressedFile(bundle, card, parity, timings, report)


def _read(model: str, calibrate: str, config: CompressConfig, said: Mapping[str, Any], progress: Progress) -> _Given:
    with progress.step("reading the model and the images"):
        original = load_onnx(model)
        opened = open_to_bundle(model, said)
        images = load_pictures(calibrate, "--calibrate")
        pixels = _of_one_width(opened.manifest.main.pixels, images)
        pictures = pictures_of(images, pixels, most=config.calibration_images, seed=config.seed)
    with progress.step("preparing"):
        prepared, notes = prepared_onnx(original, model)
    return _Given(model, opened, prepared, pictures, notes)


def _of_one_width(pixels: PixelContract, images: ImageSet) -> PixelContract:
    """The contract at the width that most pictures have, of a network that takes several: they go through it alike."""
    if not pixels.widths:
        return pixels
    _, seen = alike_wide(frames_of(images, _LOOKED_AT), pixels)
    return dataclasses.replace(pixels, width=seen.shape[2], widths=())


def _in_memory(given: _Given, artifacts: Sequence[Artifact], files: Sequence[ModelFile]) -> Bundle:
    """The new files and the one that came, in memory, so that all run through the camera's code path."""
    network = dataclasses.replace(given.network, files=tuple(files))
    manifest = dataclasses.replace(given.opened.manifest, networks={"main": network})
    memory = {artifact.path: artifact.data for artifact in artifacts}
    return Bundle(manifest, memory={**memory, given.file.path: given.opened.read(given.file.path)})


def _card(
    name: str,
    given: _Given,
    rows: Sequence[CardRow],
    quantized: QuantizedOnnx,
    notes: Sequence[str],
    command: str,
    on: str,
    images: int,
    threads: int,
) -> Card:
    left = {
        node: "costs too much accuracy in 8 bits"
        if node in quantized.mixed
        else "behind the last layer, or the classifier"
        for node in quantized.left_float
    }
    extra = {"left_float": left, "quantization": {"taken": list(quantized.taken), "tried_db": quantized.tried}}
    network, pictures = given.network, f"the {len(given.pictures)} calibration images"
    return Card(name, network.task, len(network.labels), Path(given.model).name, pictures, processor(), tuple(rows),
                command, tuple(notes), extra, on, images, threads=threads)  # fmt: skip


def _write(
    out: str | Path,
    network: Network,
    artifacts: Sequence[Artifact],
    golden: GoldenFrames,
    card: Card,
    source: str,
    beside: Mapping[str, bytes],
) -> Bundle:
    line, frames = golden.entries()
    entries = {**{artifact.path: artifact.data for artifact in artifacts}, **frames}
    entries |= {"card.json": card.to_json(), "card.md": card.to_markdown()}
    provenance = Provenance(f"edgelens {__version__}", card.command, created=now(), notes={"from": source})
    manifest = Manifest(card.name, {"main": network}, golden=(line,), provenance=provenance)
    return write_bundle(out, manifest, entries, beside=beside)
