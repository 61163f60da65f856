"""Golden frames through every model file of a bundle, on the camera's own code path, against the reference."""

from __future__ import annotations

import io
import math
import platform
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import Golden, ModelFile
from ..decode.boxes import matched
from ..engines.catalog import available
from ..engines.protocol import EngineOptions
from ..errors import BundleError, ModelError, UsageError
from ..images.read import decode_image
from ..preprocess import Placement, fit
from .network import LoadedNetwork

__all__ = ["FileReport", "VerifyReport", "limits_here", "snr_db", "verify_bundle"]

_MAX_REFERENCE_BYTES = 512 * 1024 * 1024

Outputs = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class FileReport:
    """How far one model file is off the reference on this machine; `problem` says why it could not be measured."""

    network: str
    path: str
    engine: str
    precision: str
    needed_agreement: float
    needed_snr_db: float
    frames: int = 0
    top1_agreement: float = 0.0  # of detectors: the share of boxes that agree
    snr_db: float = -math.inf  # of the worst output; infinite where every number is equal
    max_difference: float = math.inf
    skipped: bool = False  # its engine is not installed here
    problem: str = ""

    @property
    def within(self) -> bool:
        """Whether it was measured and lies inside its limits."""
        enough = self.top1_agreement >= self.needed_agreement and self.snr_db >= self.needed_snr_db
        return enough and not self.problem

    def to_json(self) -> dict[str, Any]:
        """The report as JSON types; a number that is infinite is null."""
        plain = {**asdict(self), "within": self.within}
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in plain.items()}


@dataclass(frozen=True)
class VerifyReport:
    """Every model file's report."""

    bundle: str
    files: tuple[FileReport, ...]

    @property
    def ok(self) -> bool:
        """Whether something was measured and nothing is outside its limits."""
        measured = [file for file in self.files if not file.skipped]
        return bool(measured) and all(file.within for file in measured)

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
        role = golden.network or bundle.manifest.steps[-1].network
        network = bundle.manifest.networks[role]
        frames, reference = _frames(bundle, golden), _reference(bundle, golden)
        wanted = [f for f in network.files if engine in ("auto", f.engine) and precision in (None, f.precision)]
        reports += [_verified(bundle, role, file, frames, reference, options) for file in wanted]
    if not reports:
        there = ", ".join(f"{f.engine} {f.precision}" for n in bundle.manifest.networks.values() for f in n.files)
        asked = f"--engine {engine} --precision {precision or 'any'}"
        raise UsageError(f"{name}: no model file for {asked}; there are: {there}")
    return VerifyReport(name, tuple(reports))


def limits_here(file: ModelFile) -> tuple[float, float]:
    """The agreement and SNR (dB) a file must reach here: without VNNI, onnxruntime's 8-bit kernels saturate."""
    limits = file.limits
    if file.engine == "onnxruntime" and _lacks_vnni():
        agreement, snr = limits.no_vnni_agreement, limits.no_vnni_snr_db
        return (
            limits.agreement if agreement is None else agreement,
            limits.snr_db if snr is None else snr,
        )
    return limits.agreement, limits.snr_db


def snr_db(wanted: NDArray[Any], found: NDArray[Any]) -> float:
    """Signal to noise of an output against its reference, in dB; infinite where they are equal."""
    signal = np.asarray(wanted, np.float64)
    noise = np.asarray(found, np.float64) - signal
    if not np.isfinite(noise).all():
        return -math.inf
    power, loss = float(np.square(signal).sum()), float(np.square(noise).sum())
    if loss == 0:
        return math.inf
    return 10 * math.log10(power / loss) if power else -math.inf


def _verified(
    bundle: Bundle,
    role: str,
    file: ModelFile,
    frames: list[NDArray[np.uint8]],
    reference: Outputs,
    options: EngineOptions | None,
) -> FileReport:
    report = FileReport(role, file.path, file.engine, file.precision, *limits_here(file), frames=len(frames))
    if not available(file.engine):
        return replace(report, skipped=True, problem=f"{file.engine} is not installed here")
    network = bundle.manifest.networks[role]
    try:
        with LoadedNetwork(bundle, network, file, options) as loaded:
            fitted = [fit(frame, network.pixels) for frame in frames]
            found = [loaded.outputs(pixels) for pixels, _ in fitted]
            wanted = [_row(reference, i, outputs, bundle) for i, outputs in enumerate(found)]
            agreement = _agreement(loaded, wanted, found, [placement for _, placement in fitted])
    except ModelError as error:
        return replace(report, problem=str(error))
    names = list(wanted[0])
    ours, theirs = ({n: np.concatenate([o[n].ravel() for o in side]) for n in names} for side in (wanted, found))
    return replace(
        report,
        top1_agreement=agreement,
        snr_db=min(snr_db(ours[n], theirs[n]) for n in names),
        max_difference=max(float(np.abs(ours[n] - theirs[n]).max(initial=0)) for n in names),
    )


def _agreement(
    loaded: LoadedNetwork, wanted: Sequence[Outputs], found: Sequence[Outputs], where: Sequence[Placement]
) -> float:
    """How often the best class is the same; for detectors the share of boxes that both find."""
    if loaded.network.task == "classify":
        pairs = zip(wanted, found, strict=True)
        return float(np.mean([_best(ours) == _best(theirs) for ours, theirs in pairs]))
    ours, theirs = (
        [loaded.decode(outputs, placement) for outputs, placement in zip(side, where, strict=True)]
        for side in (wanted, found)
    )
    return matched(ours, theirs)


def _best(outputs: Outputs) -> int:
    return int(np.argmax(next(iter(outputs.values()))))


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


def _frames(bundle: Bundle, golden: Golden) -> list[NDArray[np.uint8]]:
    if not golden.frames:
        raise BundleError(f"{bundle.path}: its golden data holds no frames")
    return [decode_image(bundle.read(entry), f"{bundle.path}: {entry}") for entry in golden.frames]


def _reference(bundle: Bundle, golden: Golden) -> dict[str, NDArray[Any]]:
    """The arrays of the reference's .npz, none of them larger than it may be."""
    data, where = bundle.read(golden.reference), f"{bundle.path}: {golden.reference}"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MAX_REFERENCE_BYTES:
                raise BundleError(f"{where}: holds more than {_MAX_REFERENCE_BYTES >> 20} MB")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name], np.float32) for name in arrays.files}
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError, NotImplementedError) as error:
        raise BundleError(f"{where}: is no .npz of arrays or is damaged ({str(error)[:80]})") from None


def _lacks_vnni() -> bool:
    """Whether this is an x86 processor without 8-bit dot products."""
    if platform.machine().lower() not in ("x86_64", "amd64", "i686"):
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True
    return "avx512_vnni" not in flags and "avx_vnni" not in flags
