"""A network in every file that was asked for, held against itself on the evaluation pictures; nothing is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from torch import nn

from .bundle.card import CardRow
from .config import CompressConfig
from .eight_bit import eight_bit_files
from .export.artifact import Artifact, file_outputs
from .export.exported import Exported
from .files.model_files import make_files
from .ingredients import Ingredients
from .network.graph import is_convolutional, trace
from .progress import Progress
from .proof.parity import Parity, parity_of
from .proof.shippable import shippable
from .proof.verdict import Verdict, verdict_of
from .quantize.choose import Quantization
from .tasks.task import Arrays

__all__ = ["MIXED", "Candidate", "candidate_of"]

MIXED = 6  # layers that stay float where 8 bits lose too much


@dataclass(frozen=True)
class Candidate:
    """A network in all its files, measured but not written."""

    network: nn.Module
    made_of: Ingredients
    artifacts: tuple[Artifact, ...]
    parity: Parity
    exported: Mapping[str, Exported]
    verdict: Verdict  # which files are poorer, or were left out
    history: tuple[CardRow, ...] = ()
    left_float: Mapping[str, str] = field(default_factory=dict)
    choice: Quantization | None = None
    answers: Mapping[str, Arrays] = field(default_factory=dict)  # of each file to the evaluation pictures


def candidate_of(
    network: nn.Module,
    made_of: Ingredients,
    config: CompressConfig,
    progress: Progress,
    history: Sequence[CardRow] = (),
) -> Candidate:
    """A network's files in every asked precision, checked against it on the evaluation pictures.

    Where 8 bits surely lose, the layers that lose most are left float; where that does not help, half precision joins.
    """
    found = _measured(network, made_of, config, progress, history)
    if (lost := _lost(found)) and not config.mixed and config.qat is None and found.choice is not None:
        progress.say(f"{lost}: trying again with its {MIXED} most sensitive layers in float")
        found = _repaired(found, config, progress)
    kept, parity, verdict = shippable(
        found.parity,
        found.artifacts,
        found.exported,
        made_of.evaluation.pixels,
        verdict=lambda parity: _judged(parity, found.choice, config),
        allow_mismatch=config.allow_mismatch,
        progress=progress,
    )
    return dataclasses.replace(found, artifacts=kept, parity=parity, verdict=verdict)


def _repaired(found: Candidate, config: CompressConfig, progress: Progress) -> Candidate:
    """A candidate whose 8-bit files lose, with its most sensitive layers in float; else with half precision besides."""
    network, made_of, history = found.network, found.made_of, found.history
    partly = dataclasses.replace(config, mixed=MIXED)
    mixed = _measured(network, made_of, partly, progress, history, found.exported)
    if not _lost(mixed):
        return mixed
    best = mixed if len(mixed.verdict.broken) < len(found.verdict.broken) else found
    ships = config.allow_mismatch or len(best.verdict.broken) < len(best.artifacts)
    if "float16" in config.precisions or not ships:  # what was not asked for stands in for nothing
        return best
    progress.say("that loses as well: float16 files, half the size of float32, join in")
    halved = dataclasses.replace(partly if best is mixed else config, precisions=(*config.precisions, "float16"))
    return _measured(network, made_of, halved, progress, history, found.exported)


def _lost(candidate: Candidate) -> str:
    """What is said of 8-bit files that all surely lose too much; empty where one does not, or chance cannot be told."""
    if candidate.made_of.task.right is None:
        return ""
    verdict, rows = candidate.verdict, [row for row in candidate.parity.files if row.precision == "int8"]
    said = [verdict.poorer.get(row.path) or verdict.broken.get(row.path, "") for row in rows]
    return said[0] if said and all(said) else ""


def _judged(parity: Parity, choice: Quantization | None, config: CompressConfig) -> Verdict:
    """Formats that one plan made agree nearly always; those that each format's own tool made agree less."""
    between = 0.9 if choice is None else 0.99
    return verdict_of(parity, max_drop=config.max_drop, least_between=between)


def _measured(
    network: nn.Module,
    made_of: Ingredients,
    config: CompressConfig,
    progress: Progress,
    history: Sequence[CardRow] = (),
    known: Mapping[str, Exported] = MappingProxyType({}),
) -> Candidate:
    """The files as the configuration asks for them, broken ones too; `known` are the network's exports by precision."""
    task = made_of.task
    graph = trace(network, made_of.pixels, task.outputs)
    alike = is_convolutional(graph)
    by_plan = alike and "int8" in config.precisions
    plain = tuple(p for p in config.precisions if not (p == "int8" and by_plan))
    exported: dict[str, Exported] = {}
    artifacts: list[Artifact] = []
    if plain:
        files = make_files(
            network, made_of.pixels, made_of.calibration, dataclasses.replace(config, precisions=plain),
            outputs=task.outputs, tail=task.tail, graph=graph, exported=known.get("float32"), progress=progress,
        )  # fmt: skip
        artifacts += files.artifacts
        exported |= dict.fromkeys(plain, files.exported)
    choice: Quantization | None = None
    left_float: Mapping[str, str] = {}
    if by_plan:
        choice, files = eight_bit_files(graph, network, made_of, config, progress, next(iter(exported.values()), None))
        artifacts += files.artifacts
        exported["int8"], left_float = files.exported, files.left_float
    pictures = made_of.evaluation
    with progress.step("checking parity"):
        reference, answers = made_of.answers(network, pictures.pixels), {}
        for artifact in artifacts:
            progress.update(f"checking parity: {artifact.title}")
            answers[artifact.path] = file_outputs(artifact, pictures.pixels)
        parity = parity_of(artifacts, reference, answers, made_of.targets(pictures), task)
    verdict = _judged(parity, choice, config)
    return Candidate(
        network, made_of, tuple(artifacts), parity, exported, verdict, tuple(history), left_float, choice, answers
    )
