"""The bundle put together: manifest, model files, golden frames, card."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.learned import LEARNED
from edgelens.runtime.bundle.manifest import Manifest, ModelFile, Network, Provenance
from edgelens.runtime.bundle.target import check_target
from edgelens.runtime.decode.known import Known, entry_of, known_to_bytes
from edgelens.runtime.errors import UsageError
from edgelens.runtime.host.clock import now
from edgelens.runtime.host.files import check_kind, check_place
from edgelens.version import __version__

from ..config import CompressConfig
from ..export.artifact import Artifact
from ..proof.golden import GoldenFrames
from ..proof.limits import golden_limits
from ..proof.parity import Parity, finite_db
from ..timing.timing import Timing
from .card import CARD_BEGINS, Card, CardRow
from .report import REPORT_BEGINS

__all__ = ["checked_target", "companions", "file_rows", "model_files", "processor", "write"]


def checked_target(out: str | Path, config: CompressConfig | None = None) -> None:
    """Files that could not be written, or that would be one and the same, are refused before the work, not after it."""
    check_target(out)
    if config is None:
        return
    taken = {Path(out).resolve(): "--out"}
    for option, path, what, begins in (
        ("--report", config.report, "report of a compression", REPORT_BEGINS),
        ("--json", config.card, "card of a compression", CARD_BEGINS),
    ):
        if not path:
            continue
        check_place(path, option)
        target = Path(path).resolve()
        if target in taken and (target.is_file() or not target.exists()):
            raise UsageError(f"{option} {path}: is the file of {taken[target]} too")
        check_kind(path, option, what, begins)
        taken[target] = option


def companions(config: CompressConfig, card: Card, report: str) -> dict[str, bytes]:
    """The files that tell of a bundle and are written with it or not at all."""
    asked = ((config.report, report.encode()), (config.card, card.to_json()))
    return {path: data for path, data in asked if path is not None}


def file_rows(
    artifacts: Sequence[Artifact],
    parity: Parity,
    timings: Mapping[str, Timing],
    preferred: str,
    *,
    elsewhere: Mapping[str, Timing] | None = None,
) -> list[CardRow]:
    """The card's line of every file; `elsewhere` holds timings on another device."""
    rows = []
    for artifact in artifacts:
        row, timing = parity.of(artifact.path), timings[artifact.path]
        device = (elsewhere or {}).get(artifact.path)
        rows.append(
            CardRow(
                artifact.title,
                None if math.isnan(row.accuracy) else row.accuracy,
                len(artifact.data),
                timing.p50_ms,
                timing.p95_ms,
                round(finite_db(row.snr_db), 2),
                None if math.isnan(row.agreement) else row.agreement,
                artifact.path,
                "preferred" if artifact.path == preferred else "",
                device_ms=None if device is None else device.p50_ms,
                device_up_to_ms=None if device is None else device.p95_ms,
            )
        )
    return rows


def model_files(
    artifacts: Sequence[Artifact],
    golden: GoldenFrames,
    parity: Parity | None,
    timings: Mapping[str, Timing],
    network: Network,
    poorer: Mapping[str, str],
) -> tuple[ModelFile, ...]:
    """The manifest's line of every file of a network, with what was measured of it and what it is held to.

    What `poorer` says of a file stands there too: a device that looks for the fastest file passes it over.
    """
    files = []
    for artifact in artifacts:
        measured: dict[str, Any] = dict(timings[artifact.path].to_json()) if artifact.path in timings else {}
        if parity is not None:
            measured |= {k: v for k, v in parity.of(artifact.path).to_json().items() if k != "file"}
        if artifact.path in poorer:
            measured["poorer"] = poorer[artifact.path]
        if measured:
            measured["device"] = processor()
        files.append(
            ModelFile(
                artifact.path,
                artifact.engine,
                artifact.precision,
                artifact.tensor,
                outputs=artifact.outputs,
                limits=golden_limits(artifact, golden, network),
                measured=measured,
            )
        )
    return tuple(files)


def write(
    out: str | Path,
    *,
    name: str,
    network: Network,
    artifacts: Sequence[Artifact],
    golden: GoldenFrames,
    card: Card,
    known: Known | None = None,
    learned: bytes | None = None,
    provenance: Provenance | None = None,
    beside: Mapping[str, bytes] | None = None,
) -> Bundle:
    """Write the bundle `out` in place of whatever was there, with the files `beside` it or not at all."""
    frames, entries = golden.entries()
    contents = {**entries, "card.json": card.to_json(), "card.md": card.to_markdown()}
    contents |= {artifact.path: artifact.data for artifact in artifacts}
    if learned is not None:
        contents[LEARNED] = learned
    if known is not None:
        contents[place := entry_of("main")] = known_to_bytes(known)
        decode = network.decode
        network = replace(network, decode=replace(decode, options={**decode.options, "known": place}))
    said = provenance or Provenance(f"edgelens {__version__}", card.command, created=now())
    manifest = Manifest(name, {"main": network}, golden=(frames,), provenance=said)
    return write_bundle(out, manifest, contents, beside=beside)


def processor() -> str:
    """This machine's processor in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model", "Hardware")))
    return f"{platform.machine()} {next(named, platform.processor())}".strip()
