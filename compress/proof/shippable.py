"""Which files ship: those that are the trained network; the others are left out, or nothing is written at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.errors import WorkError

from ..export.artifact import Artifact
from ..export.exported import Exported
from ..progress import Progress
from .parity import Parity, first_parting
from .verdict import Verdict

__all__ = ["refuse", "shippable"]


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
    return kept, parity.only([artifact.path for artifact in kept]), judged


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
