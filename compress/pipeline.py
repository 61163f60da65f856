"""From a trained run to a bundle: float and 8-bit files in both formats, proven, timed and written in one go."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn

from edgelens.runtime.bundle import Bundle, write_bundle
from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError, WorkError
from edgelens.runtime.manifest import Decode, Limits, Manifest, ModelFile, Network, Output, Provenance
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.models.cost import cost_of
from edgelens.train.run import Run
from edgelens.version import __version__

from .artifact import Artifact, file_outputs
from .card import Card, CardRow
from .config import CompressConfig
from .export.metadata import About, with_metadata_onnx, with_metadata_tflite
from .exported import Exported, export, float_artifacts, int8_artifacts
from .gate import Timing, fastest, slower_than_twin, time_artifacts
from .golden import GoldenFrames, golden_frames
from .graph import trace
from .pictures import Pictures, pictures_of
from .quantize.observers import observe, prepared_batches
from .quantize.plan import make_plan
from .quantize.ranges import agree_on_ranges
from .steps import Steps
from .thresholds import fit_temperature, matching_threshold
from .verify_parity import Parity, check_parity, first_parting, parity_of

__all__ = ["Compressed", "compress_run", "torch_logits"]


@dataclass(frozen=True)
class Compressed:
    """What a compression made."""

    bundle: Bundle
    card: Card
    parity: Parity
    timings: Mapping[str, Timing]


@dataclass(frozen=True)
class _Material:
    """What a run brings: its network, its data, its settings."""

    run: Run
    network: nn.Module
    graph: fx.GraphModule
    calibration: NDArray[np.uint8]
    evaluation: Pictures
    evaluated_on: str
    validation: Pictures
    golden: GoldenFrames


def compress_run(
    run_path: str | Path, out: str | Path, config: CompressConfig | None = None, *, steps: Steps | None = None
) -> Compressed:
    """Compress a trained run into the bundle `out`."""
    config, steps = config or CompressConfig(), steps or Steps(quiet=True)
    if Path(out).suffix != ".edge":
        raise DataError(f"{out}: a bundle's name ends in .edge")
    run = Run.open(run_path)
    with steps.step("reading the run and its images"):
        material = _material(run, config)
    with steps.step("exporting"):
        exported = export(
            material.network, material.graph, run.pixels, formats=config.formats, dynamic_batch=config.dynamic_batch
        )
        artifacts = [a for a in float_artifacts(exported) if "float32" in config.precisions]
    left_float: Mapping[str, str] = {}
    if "int8" in config.precisions:
        with steps.step("quantizing"):
            more, left_float = _eight_bit(exported, material, config)
            artifacts += more
    artifacts = [_with_metadata(artifact, run, _name(out, config)) for artifact in artifacts]
    with steps.step("checking parity"):
        parity, answers = _parity(artifacts, material, exported, config, steps)
    with steps.step("timing"):
        timings = time_artifacts(artifacts, material.golden.pictures[0], threads=config.threads)
    preferred, notes = _choose(artifacts, parity, timings, config)
    for note in notes:
        steps.say(note)
    card = _card(run, material, artifacts, parity, timings, preferred, notes, config, left_float, _name(out, config))
    with steps.step("writing"):
        bundle = _write(Path(out), run, material, artifacts, answers, parity, timings, preferred, card, config)
    return Compressed(bundle, card, parity, timings)


@torch.no_grad()
def torch_logits(network: nn.Module, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The float network's answers for pictures (N, H, W, C)."""
    return np.concatenate([network(batch).float().numpy() for batch in prepared_batches(pictures, 128)])


def _material(run: Run, config: CompressConfig) -> _Material:
    network = run.model()
    graph = trace(network, run.pixels)
    evaluation, which = _split(run, "test", "val")
    validation, _ = _split(run, "val", "train")
    calibration = _calibration(run, config)
    golden = golden_frames(validation, run.pixels, lambda pictures: torch_logits(network, pictures))
    held = pictures_of(evaluation, run.pixels, most=config.evaluation_images, seed=config.seed)
    checked = held if which == "val" else pictures_of(validation, run.pixels, most=2000, seed=config.seed)
    where = f"{len(held):,} {({'val': 'validation'}).get(which, which)} images of {Path(run.config.data).name}"
    return _Material(run, network, graph, calibration, held, where, checked, golden)


def _split(run: Run, *names: str) -> tuple[ImageSet, str]:
    for name in names:
        images = run.split(name)
        if len(images):
            return images, name
    raise DataError(f"{run.path}: has no images in its {' or '.join(names)} split")


def _calibration(run: Run, config: CompressConfig) -> NDArray[np.uint8]:
    images = load_images(config.calibrate) if config.calibrate else _split(run, "train", "val")[0]
    return pictures_of(images, run.pixels, most=config.calibration_images, seed=config.seed).pixels


def _eight_bit(
    exported: Exported, material: _Material, config: CompressConfig
) -> tuple[list[Artifact], Mapping[str, str]]:
    assert exported.graph is not None
    plan = make_plan(exported.graph, keep_float=config.keep_float, full_integer=config.full_integer)
    observed = observe(exported.graph, material.calibration, config.observer)
    quantized = agree_on_ranges(exported.graph, plan, observed)
    return int8_artifacts(exported, quantized), plan.left_float


def _with_metadata(artifact: Artifact, run: Run, name: str) -> Artifact:
    about = About(name, run.classes, run.pixels, __version__)
    add = with_metadata_onnx if artifact.engine == "onnxruntime" else with_metadata_tflite
    return dataclasses.replace(artifact, data=add(artifact.data, about, artifact.tensor))


def _parity(
    artifacts: Sequence[Artifact], material: _Material, exported: Exported, config: CompressConfig, steps: Steps
) -> tuple[Parity, dict[str, NDArray[np.float32]]]:
    held = material.evaluation
    logits = torch_logits(material.network, held.pixels)
    answers = {}
    for artifact in artifacts:
        steps.update(f"checking parity: {artifact.title}")
        answers[artifact.path] = file_outputs(artifact, held.pixels)
    parity = parity_of(artifacts, logits, held.pixels, held.labels, answers)
    if problems := check_parity(parity):
        parity = _located(parity, artifacts, exported, held.pixels)
        problems = check_parity(parity)
        if not config.allow_mismatch:
            raise WorkError(f"{'; '.join(problems)}: no bundle is written (--allow-mismatch writes it all the same)")
        for problem in problems:
            steps.say(problem)
    return parity, answers


def _located(parity: Parity, artifacts: Sequence[Artifact], exported: Exported, pictures: NDArray[np.uint8]) -> Parity:
    """The parity with the layer where each file parts from the network."""
    rows = tuple(
        dataclasses.replace(row, parts_at=first_parting(exported, artifact, pictures))
        for row, artifact in zip(parity.files, artifacts, strict=True)
    )
    return dataclasses.replace(parity, files=rows)


def _choose(
    artifacts: Sequence[Artifact], parity: Parity, timings: Mapping[str, Timing], config: CompressConfig
) -> tuple[str, list[str]]:
    """The file that `--engine auto` starts with, and what people should know of those it is not."""
    notes = []
    allowed = [artifact.path for artifact in artifacts]
    for path, ratio in slower_than_twin(dict(timings)).items():
        row = parity.of(path)
        notes.append(f"{row.title} takes {ratio:.2f} times as long as its float twin here: not preferred")
        allowed.remove(path)
    for row in parity.files:
        lost = 100 * (parity.torch_accuracy - row.accuracy)
        if row.path in allowed and lost > config.max_drop and len(allowed) > 1:
            notes.append(f"{row.title} loses {lost:.2f} accuracy points, more than {config.max_drop:g}: not preferred")
            allowed.remove(row.path)
    return fastest(dict(timings), allowed), notes


def _card(
    run: Run,
    material: _Material,
    artifacts: Sequence[Artifact],
    parity: Parity,
    timings: Mapping[str, Timing],
    preferred: str,
    notes: Sequence[str],
    config: CompressConfig,
    left_float: Mapping[str, str],
    name: str,
) -> Card:
    cost = cost_of(material.network, run.pixels.channels, (run.pixels.height, run.pixels.width))
    rows = [CardRow("trained (torch)", accuracy=parity.torch_accuracy)]
    for artifact in artifacts:
        row, timing = parity.of(artifact.path), timings[artifact.path]
        rows.append(
            CardRow(
                artifact.title,
                row.accuracy,
                len(artifact.data),
                timing.p50_ms,
                timing.p95_ms,
                round(row.snr_db, 2),
                row.agreement,
                artifact.path,
                "preferred" if artifact.path == preferred else "",
            )
        )
    said = list(notes)
    if parity.between_formats is not None:
        said.append(f"int8 ONNX and int8 TFLite agree on {100 * parity.between_formats:.2f} % of the images")
    return Card(
        name,
        run.config.task,
        len(run.classes),
        f"{run.config.model}, {cost}",
        material.evaluated_on,
        f"{platform.machine()} {_processor()}",
        tuple(rows),
        config.command,
        tuple(said),
        {"left_float": dict(left_float)} if left_float else {},
    )


def _write(
    out: Path,
    run: Run,
    material: _Material,
    artifacts: Sequence[Artifact],
    answers: Mapping[str, NDArray[np.float32]],
    parity: Parity,
    timings: Mapping[str, Timing],
    preferred: str,
    card: Card,
    config: CompressConfig,
) -> Bundle:
    golden, entries = material.golden.entries()
    entries = dict(entries)
    files = []
    for artifact in artifacts:
        entries[artifact.path] = artifact.data
        measured = {**parity.of(artifact.path).to_json(), **timings[artifact.path].to_json()}
        measured.pop("file")
        limits = golden_limits(artifact, material.golden)
        files.append(
            ModelFile(
                artifact.path,
                artifact.engine,
                artifact.precision,
                artifact.tensor,
                outputs=artifact.outputs,
                limits=limits,
                measured=measured,
            )
        )
    entries["card.json"], entries["card.md"] = card.to_json(), card.to_markdown()
    shipped = next(artifact for artifact in artifacts if artifact.path == preferred)
    network = Network(
        run.config.task,
        run.classes,
        run.pixels,
        (Output("logits", (len(run.classes),)),),
        _decode(run, material, shipped, config),
        tuple(files),
        feature_space(material.network, run.pixels),
        preferred,
    )
    provenance = Provenance(
        f"edgelens {__version__}", config.command, run.config.seed, str(run.facts.data.get("fingerprint", "")), _now()
    )
    manifest = Manifest(_name(out, config), {"main": network}, golden=(golden,), provenance=provenance)
    return write_bundle(out, manifest, entries)


def golden_limits(artifact: Artifact, golden: GoldenFrames) -> Limits:
    """How far a file may be off on other machines: what it is here, less a margin."""
    reference = next(iter(golden.reference.values()))
    values = file_outputs(artifact, golden.pictures)
    from .verify_parity import snr_db

    here = snr_db(values, reference)
    agreement = float((values.argmax(1) == reference.argmax(1)).mean())
    if artifact.precision == "float32":
        return Limits(min(agreement, 1.0), round(min(here - 20, 60.0), 1))
    slack = 1 / len(reference)
    return Limits(
        round(max(agreement - slack, 0.0), 4),
        round(here - 6, 1),
        round(max(agreement - 2 * slack, 0.0), 4),
        round(min(here - 12, 12.0), 1),
    )


def feature_space(network: nn.Module, pixels: PixelContract) -> str:
    """An id of the float network and its pixel contract: compressing again keeps it, training again changes it."""
    digest = hashlib.sha256(repr(pixels).encode())
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value.detach().cpu().float().numpy()).tobytes())
    return digest.hexdigest()[:32]


def _decode(run: Run, material: _Material, shipped: Artifact, config: CompressConfig) -> Decode:
    """Temperature and threshold fitted on the validation images with the file that ships."""
    held = material.validation
    logits = file_outputs(shipped, held.pixels)
    before = torch_logits(material.network, held.pixels)
    temperature = fit_temperature(logits, held.labels)
    threshold = matching_threshold(before, run.temperature, run.unknown_threshold, logits, temperature)
    background = tuple(label for label in config.background if label in run.classes)
    return Decode(
        threshold=round(threshold, 5),
        temperature=round(temperature, 5),
        top_k=min(5, len(run.classes)),
        background=background,
    )


def _name(out: str | Path, config: CompressConfig) -> str:
    return config.name or Path(out).stem


def _now() -> str:
    said = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.datetime.fromtimestamp(int(said), datetime.UTC) if said else datetime.datetime.now(datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def fields_of(value: Any) -> dict[str, Any]:
    """A frozen dataclass as a plain dictionary."""
    return dataclasses.asdict(value)
