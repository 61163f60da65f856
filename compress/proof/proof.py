"""What a bundle is held to: parity on the evaluation pictures, limits on the golden frames, an id of the network."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from edgelens.runtime.bundle.manifest import Limits
from edgelens.runtime.errors import WorkError
from edgelens.runtime.metrics.signal import distance_of
from edgelens.runtime.preprocess import PixelContract

from ..export.artifact import Artifact, file_outputs
from ..export.exported import Exported
from ..progress import Progress
from ..tasks.task import Task
from .golden import GoldenFrames
from .parity import Parity, check_parity, finite_db, first_parting

__all__ = ["feature_space", "golden_limits", "limits_of", "refuse", "require_parity"]


def require_parity(
    parity: Parity,
    artifacts: Sequence[Artifact],
    exported: Mapping[str, Exported],
    pictures: NDArray[np.uint8],
    *,
    allow_mismatch: bool,
    progress: Progress,
    alike: bool = True,
) -> Parity:
    """The parity, with the layer where a file parts where one is outside its limits; refused unless that is allowed."""
    least = 0.99 if alike else 0.9
    if not check_parity(parity, least_between=least):
        return parity
    rows = tuple(
        dataclasses.replace(row, parts_at=first_parting(exported[artifact.precision], artifact, pictures))
        for row, artifact in zip(parity.files, artifacts, strict=True)
    )
    parity = dataclasses.replace(parity, files=rows)
    refuse(check_parity(parity, least_between=least), progress, allow_mismatch=allow_mismatch)
    return parity


def refuse(problems: Sequence[str], progress: Progress, *, allow_mismatch: bool) -> None:
    """No bundle of files that answer something else, unless that is allowed: then it is said."""
    if problems and not allow_mismatch:
        raise WorkError(f"{'; '.join(problems)}: no bundle is written (--allow-mismatch writes it all the same)")
    for problem in problems:
        progress.say(problem)


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
    """An id of the float network and its pixel contract: compressing again keeps it, training again changes it."""
    digest = hashlib.sha256(repr(pixels).encode())
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value.detach().cpu().float().numpy()).tobytes())
    return digest.hexdigest()[:32]
