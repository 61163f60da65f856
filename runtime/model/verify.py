"""Golden frames through every model file of a bundle, on the camera's own code path, against the reference."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle, one_network
from ..bundle.manifest import Golden, ModelFile
from ..engines.catalog import available
from ..engines.machine import lacks_vnni
from ..engines.protocol import EngineOptions
from ..errors import BundleError, ModelError, UsageError
from ..frame import Frame
from ..metrics.signal import distance_of
from ..preprocess import fit_frame
from ..tasks.catalog import task_of
from ..tasks.task import Answer
from .doubts import doubts_of
from .golden import frames_of, reference_of
from .recognizer import BundleRecognizer
from .verify_pipeline import pipeline_agreement

__all__ = ["FileReport", "VerifyReport", "limits_here", "verify_bundle"]

Outputs = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class FileReport:
    """How far one model file is off the reference on this machine; `problem` says why it could not be measured."""

    network: str  # its role; "" for the whole pipeline
    path: str
    engine: str
    precision: str
    needed_agreement: float
    needed_snr_db: float
    frames: int = 0
    agreement: float = 0.0  # as the task counts it: best classes that are the same, boxes that both find, ...
    snr_db: float = -math.inf  # of the worst output; infinite where every number is equal
    max_difference: float = math.inf
    skipped: bool = False  # its engine is not installed here
    problem: str = ""
    doubts: tuple[str, ...] = ()  # why this may prove little

    @property
    def within(self) -> bool:
        """Whether it was measured and lies inside its limits."""
        enough = self.agreement >= self.needed_agreement and self.snr_db >= self.needed_snr_db
        return enough and not self.problem

    def to_json(self) -> dict[str, Any]:
        """The report as JSON types; a number that is infinite is null."""
        plain = {**asdict(self), "within": self.within}
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in plain.items()}


@dataclass(frozen=True)
class VerifyReport:
    """Every model file's report, and the whole pipeline's where there are several steps."""

    bundle: str
    files: tuple[FileReport, ...]

    @property
    def ok(self) -> bool:
        """Whether something was measured and nothing is outside its limits."""
        measured = [file for file in self.files if not file.skipped]
        return bool(measured) and all(file.within for file in measured)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why a proof may prove little, in words for people."""
        return tuple(dict.fromkeys(f"{file.path}: {doubt}" for file in self.files for doubt in file.doubts))

    def to_json(self) -> dict[str, Any]:
        """The report as JSON types."""
        return {"bundle": self.bundle, "ok": self.ok, "files": [file.to_json() for file in self.files]}


def verify_bundle(
    bundle: Bundle, engine: str | None = None, *, precision: str | None = None, options: EngineOptions | None = None
) -> VerifyReport:
    """Run the golden frames through every model file, or those of one engine or precision."""
    name = str(bundle.path or bundle.manifest.name)
    engine = (engine or "auto").partition(":")[0]
    if not bundle.manifest.golden:
        raise BundleError(f"{name}: has no golden frames to verify it with")
    reports: list[FileReport] = []
    for golden in bundle.manifest.golden:
        whole = not golden.network and len(bundle.manifest.steps) > 1
        check = _whole if whole else _network
        reports += check(bundle, golden, engine, precision, options)
    if not reports:
        there = ", ".join(f"{f.engine} {f.precision}" for n in bundle.manifest.networks.values() for f in n.files)
        asked = f"--engine {engine} --precision {precision or 'any'}"
        raise UsageError(f"{name}: no model file for {asked}; there are: {there}")
    return VerifyReport(name, tuple(reports))


def limits_here(file: ModelFile) -> tuple[float, float]:
    """The agreement and SNR (dB) a file must reach here: without VNNI, 8-bit kernels of onnxruntime may saturate."""
    limits = file.limits
    if file.engine == "onnxruntime" and lacks_vnni():
        agreement, snr = limits.no_vnni_agreement, limits.no_vnni_snr_db
        return (
            limits.agreement if agreement is None else agreement,
            limits.snr_db if snr is None else snr,
        )
    return limits.agreement, limits.snr_db


def _network(
    bundle: Bundle, golden: Golden, engine: str, precision: str | None, options: EngineOptions | None
) -> Iterator[FileReport]:
    """Every wanted file of one network."""
    role = golden.network or bundle.manifest.steps[-1].network
    frames, reference = frames_of(bundle, golden), reference_of(bundle, golden)
    for file in bundle.manifest.networks[role].files:
        if engine in ("auto", file.engine) and precision in (None, file.precision):
            yield _verified(bundle, role, file, frames, reference, options)


def _verified(
    bundle: Bundle,
    role: str,
    file: ModelFile,
    frames: Sequence[Frame],
    reference: Outputs,
    options: EngineOptions | None,
) -> FileReport:
    report = FileReport(role, file.path, file.engine, file.precision, *limits_here(file), frames=len(frames))
    if not available(file.engine):
        return replace(report, skipped=True, problem=f"{file.engine} is not installed here")
    network = bundle.manifest.networks[role]
    alone = _in_one_look(one_network(bundle, role, file))
    try:
        with BundleRecognizer(alone, engine=file.engine, options=options) as recognizer:
            loaded, wanted, found = recognizer.networks[role], [], []
            for i, frame in enumerate(frames):
                seen = recognizer.recognize(frame)
                found.append(Answer({name: np.array(value) for name, value in seen.outputs.items()}, seen.recognitions))
                ours = _row(reference, i, seen.outputs, bundle)
                wanted.append(Answer(ours, loaded.decode(ours, fit_frame(frame.image, network.pixels)[1])))
    except ModelError as error:
        return replace(report, problem=str(error))
    snr, difference = distance_of(_flat(wanted), _flat(found))
    return replace(
        report,
        agreement=task_of(network.task).agreement(wanted, found),
        snr_db=snr,
        max_difference=difference,
        doubts=doubts_of(network, file, frames, found),
    )


def _in_one_look(bundle: Bundle) -> Bundle:
    """A bundle of one network as golden frames know it: looked at whole, whatever tiles a camera is to look at."""
    (role, network), *_ = bundle.manifest.networks.items()
    if network.decode.options.get("tile", 1) == 1:
        return bundle
    decode = replace(network.decode, options={**network.decode.options, "tile": 1})
    manifest = replace(bundle.manifest, networks={role: replace(network, decode=decode)})
    return replace(bundle, manifest=manifest)


def _flat(answers: Sequence[Answer]) -> dict[str, NDArray[Any]]:
    """The numbers of each output over all frames, whose shapes may differ."""
    return {name: np.concatenate([each.outputs[name].ravel() for each in answers]) for name in answers[0].outputs}


def _whole(
    bundle: Bundle, golden: Golden, engine: str, precision: str | None, options: EngineOptions | None
) -> Iterator[FileReport]:
    """The whole pipeline with every engine and precision that one of its networks has a file for."""
    kinds = dict.fromkeys((f.engine, f.precision) for n in bundle.manifest.networks.values() for f in n.files)
    for one, kind in kinds:
        if engine in ("auto", one) and precision in (None, kind):
            report = FileReport("", "the whole pipeline", one, kind, golden.agreement, -math.inf, len(golden.frames))
            if not available(one):
                yield replace(report, skipped=True, problem=f"{one} is not installed here")
                continue
            try:
                agreement = pipeline_agreement(bundle, golden, one, kind, options)
            except ModelError as error:
                yield replace(report, problem=str(error))
                continue
            yield replace(report, agreement=agreement, snr_db=math.inf, max_difference=0.0)


def _row(reference: Outputs, i: int, outputs: Outputs, bundle: Bundle) -> dict[str, NDArray[Any]]:
    """The reference's outputs for frame i, shaped as the model file's."""
    row = {}
    for name, array in outputs.items():
        if name not in reference:
            raise BundleError(f"{bundle.path}: its golden reference lacks the output {name!r}")
        if i >= len(reference[name]) or reference[name][i].size != array.size:
            raise BundleError(f"{bundle.path}: its golden reference for {name!r} has another shape than the outputs")
        row[name] = reference[name][i].reshape(array.shape)
    return row
