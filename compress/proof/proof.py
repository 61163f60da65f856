"""What a bundle is held to: parity on the evaluation pictures, limits on the golden frames, an id of the network."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from edgelens.runtime.bundle.manifest import Limits
from edgelens.runtime.errors import WorkError
from edgelens.runtime.metrics.signal import distance_of
from edgelens.runtime.preprocess import PixelContract

from ..export.artifact import Artifact, file_outputs
from ..export.exported import Exported
from ..network.knowing import Knowing
from ..progress import Progress
from ..tasks.task import Task
from .golden import GoldenFrames
from .parity import Parity, finite_db, first_parting
from .verdict import Verdict

__all__ = ["feature_space", "golden_limits", "limits_of", "refuse", "shippable"]


def shippable(
    parity: Parity,
    artifacts: Sequence[Artifact],
    exported: Mapping[str, Exported],
    pictures: NDArray[np.uint8],
    *,
    verdict: Callable[[Parity], Verdict],
    allow_mismatch: bool,
    progress: Progress,
) -> tuple[tuple[Artifact, ...], Parity, Verdict]:
    """The files that are the trained network, and what parity says of them; the others are left out, and that is said.

    Nothing is written only where a float file is another network, or no file is left: then something is broken.
    """
    judged = verdict(parity)
    if not judged.broken:
        return tuple(artifacts), parity, judged
    parity = _located(parity, artifacts, exported, pictures, judged.broken)
    judged = verdict(parity)
    kept = tuple(artifact for artifact in artifacts if artifact.path not in judged.broken)
    damaged = [a.precision for a in artifacts if a.path in judged.broken and a.precision == "float32"]
    if damaged or not kept or allow_mismatch:
        refuse(list(judged.broken.values()), progress, allow_mismatch=allow_mismatch)
        return tuple(artifacts), parity, judged
    for said in judged.broken.values():
        progress.say(f"{said}: left out of the bundle")
    rows = tuple(parity.of(artifact.path) for artifact in kept)
    return kept, dataclasses.replace(parity, files=rows), judged


def refuse(problems: Sequence[str], progress: Progress, *, allow_mismatch: bool) -> None:
    """No bundle of files that answer something else, unless that is allowed: then it is said."""
    if problems and not allow_mismatch:
        raise WorkError(f"{'; '.join(problems)}: no bundle is written (--allow-mismatch writes it all the same)")
    for problem in problems:
        progress.say(problem)


def _located(
    parity: Parity,
    artifacts: Sequence[Artifact],
    exported: Mapping[str, Exported],
    pictures: NDArray[np.uint8],
    broken: Collection[str],
) -> Parity:
    """The parity with the layer where each broken file parts from the network."""
    rows = tuple(
        dataclasses.replace(row, parts_at=first_parting(exported[artifact.precision], artifact, pictures))
        if row.path in broken
        else row
        for row, artifact in zip(parity.files, artifacts, strict=True)
    )
    return dataclasses.replace(parity, files=rows)


def golden_limits(artifact: Artifact, golden: GoldenFrames, task: Task) -> Limits:
    """How far a file may be off on other machines: what it is here, less a margin; more without VNNI."""
    values = file_outputs(artifact, golden.pictures)
    here, _ = distance_of(golden.reference, values)
    agreement = task.agreement(golden.reference, values)
    return limits_of(artifact.precision, agreement, finite_db(here), slack=1 / len(golden.pictures))


def limits_of(precision: str, agreement: float, here_db: float, *, slack: float) -> Limits:
    """What was measured here, less what another machine may cost; `slack` is a frame's worth of agreement."""
    if precision == "float32":
        return Limits(round(agreement, 4), round(min(here_db - 20, 60.0), 1))
    return Limits(
        round(max(agreement - slack, 0.0), 4),
        round(here_db - 6, 1),
        round(max(agreement - 2 * slack, 0.0), 4),
        round(min(here_db - 12, 12.0), 1),
    )


def feature_space(network: nn.Module, pixels: PixelContract) -> str:
    """An id of the float network and its pixel contract: compressing again keeps it, training again changes it.

    Giving its features too makes it no other network; the contract's younger fields count where they say something.
    """
    own = network.network if isinstance(network, Knowing) else network
    digest = hashlib.sha256(repr(pixels).replace(", widths=()", "").encode())
    for name, value in sorted(own.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value.detach().cpu().float().numpy()).tobytes())
    return digest.hexdigest()[:32]
