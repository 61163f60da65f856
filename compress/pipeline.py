"""From a trained run to a bundle: shrunk where asked, in 8 bits, proven, timed and written in one go."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from torch import nn

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.manifest import Decode, Output, Provenance
from edgelens.runtime.host.clock import now
from edgelens.runtime.metrics.interval import percent
from edgelens.train.models.cost import cost_of
from edgelens.train.runs.run import Run
from edgelens.version import __version__

from .bundle.assemble import checked_target, companions, file_rows, model_files, processor, write
from .bundle.card import Card, CardRow
from .bundle.report import report_html
from .config import CompressConfig
from .eight_bit import eight_bit_files
from .export.artifact import Artifact, file_outputs
from .export.exported import Exported
from .files.model_files import make_files, with_metadata
from .ingredients import Ingredients, ingredients_of
from .network.graph import is_convolutional, trace
from .progress import Progress
from .proof.parity import Parity, parity_of
from .proof.proof import feature_space, shippable
from .proof.verdict import Verdict, verdict_of
from .quantize.choose import Quantization
from .shrink import shrunk
from .tasks.task import Arrays
from .timing.on_device import require_host, timed_elsewhere
from .timing.timing import FEW_ROUNDS, ROUNDS, Timing, preferred_file, time_artifacts

MIXED = 6  # layers that stay float where 8 bits lose too much

__all__ = ["Candidate", "Compressed", "candidate_of", "compress_run", "write_candidate"]


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


@dataclass(frozen=True)
class Compressed:
    """What a compression made."""

    bundle: Bundle
    card: Card
    parity: Parity
    timings: Mapping[str, Timing]
    report: str


def compress_run(
    run_path: str | Path, out: str | Path, config: CompressConfig | None = None, *, progress: Progress | None = None
) -> Compressed:
    """Compress a trained run into the bundle `out`."""
    config, progress = config or CompressConfig(), progress or Progress(quiet=True)
    checked_target(out, config)
    require_host(config.on)
    run = Run.open(run_path)
    with progress.step("reading the run and its images"):
        made_of = ingredients_of(run, config)
    network, history = shrunk(made_of, config, progress)
    return write_candidate(candidate_of(network, made_of, config, progress, history), out, config, progress)


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
    found = _candidate(network, made_of, config, progress, history)
    lost = _lost(found)
    if not lost or config.mixed or config.qat is not None or found.choice is None:
        return found
    progress.say(f"{lost}: trying again with its {MIXED} most sensitive layers in float")
    mixed = _candidate(network, made_of, dataclasses.replace(config, mixed=MIXED), progress, history, found.exported)
    if not _lost(mixed):
        return mixed
    if "float16" in config.precisions:
        return found
    progress.say("that loses as well: float16 files, half the size of float32, join in")
    halved = dataclasses.replace(config, precisions=(*config.precisions, "float16"))
    return _candidate(network, made_of, halved, progress, history, found.exported)


def _lost(candidate: Candidate) -> str:
    """What is said of 8-bit files that all surely lose too much; empty where one does not, or chance cannot be told."""
    if candidate.made_of.task.right is None:
        return ""
    verdict, rows = candidate.verdict, [row for row in candidate.parity.files if row.precision == "int8"]
    said = [verdict.poorer.get(row.path) or verdict.broken.get(row.path, "") for row in rows]
    return said[0] if said and all(said) else ""


def _candidate(
    network: nn.Module,
    made_of: Ingredients,
    config: CompressConfig,
    progress: Progress,
    history: Sequence[CardRow] = (),
    known: Mapping[str, Exported] = MappingProxyType({}),
) -> Candidate:
    """The files as the configuration asks for them; `known` are exports of the same network by precision."""
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
        between = 0.99 if alike else 0.9
        kept, parity, verdict = shippable(
            parity,
            artifacts,
            exported,
            pictures.pixels,
            verdict=lambda found: verdict_of(found, max_drop=config.max_drop, least_between=between),
            allow_mismatch=config.allow_mismatch,
            progress=progress,
        )
    return Candidate(network, made_of, kept, parity, exported, verdict, tuple(history), left_float, choice, answers)


def write_candidate(
    candidate: Candidate,
    out: str | Path,
    config: CompressConfig,
    progress: Progress,
    *,
    preferred: str = "",
    notes: Sequence[str] = (),
    extra: Mapping[str, object] | None = None,
    plots: Mapping[str, bytes] | None = None,
    tables: Mapping[str, tuple[list[str], list[list[str]]]] | None = None,
) -> Compressed:
    """Time a candidate, choose the file that is preferred unless one is given, and write the bundle."""
    run, made_of = candidate.made_of.run, candidate.made_of
    name = config.name or Path(out).stem
    labels = run.classes if made_of.task.names else ()
    artifacts = with_metadata(candidate.artifacts, name, made_of.task, labels, run.pixels)
    golden = made_of.golden
    if candidate.network is not made_of.network:
        golden = made_of.golden_of(candidate.network, run.pixels)
    with progress.step("timing"):
        elsewhere, where = timed_elsewhere(config, artifacts, progress.update)
        rounds = FEW_ROUNDS if elsewhere else ROUNDS
        timings = time_artifacts(artifacts, golden.pictures[0], threads=config.threads, rounds=rounds)
    chosen, said = preferred_file(artifacts, candidate.parity, elsewhere or timings, candidate.verdict.poorer)
    preferred = preferred or chosen
    for note in said:
        progress.say(note)
    left_out = (f"{broken}: left out" for broken in candidate.verdict.broken.values())
    notes = [*notes, *([] if config.allow_mismatch else left_out), *said]
    shipped = next(artifact for artifact in artifacts if artifact.path == preferred)
    with progress.step("fitting thresholds"):
        decode = _decode(candidate, shipped, config)
    card = make_card(candidate, artifacts, timings, preferred, notes, config, name, elsewhere, where)
    card = dataclasses.replace(card, extra={**card.extra, **(extra or {})})
    report = report_html(card, candidate.parity, plots, tables)
    seed, data = run.config.seed, str(run.facts.data.get("fingerprint", ""))
    with progress.step("writing"):
        bundle = write(
            out,
            name=name,
            labels=labels,
            pixels=run.pixels,
            decode=decode,
            artifacts=artifacts,
            files=model_files(artifacts, golden, candidate.parity, timings, made_of.task, candidate.verdict.poorer),
            outputs=tuple(Output(name, values.shape[1:]) for name, values in golden.reference.items()),
            preferred=preferred,
            golden=golden,
            card=card,
            feature_space=feature_space(candidate.network, run.pixels),
            task=made_of.task.name,
            known=made_of.known,
            provenance=Provenance(f"edgelens {__version__}", config.command, seed, data, now(), _origin(run)),
            beside=companions(config, card, report),
        )
    return Compressed(bundle, card, candidate.parity, timings, report)


def _origin(run: Run) -> dict[str, str]:
    """Whose weights the training started from, with their licence; nothing where that was chance."""
    return {"started_from": run.facts.started} if run.facts.started else {}


def make_card(
    candidate: Candidate,
    artifacts: Sequence[Artifact],
    timings: Mapping[str, Timing],
    preferred: str,
    notes: Sequence[str],
    config: CompressConfig,
    name: str,
    elsewhere: Mapping[str, Timing],
    where: str,
) -> Card:
    """The card of a candidate."""
    run, parity = candidate.made_of.run, candidate.parity
    cost = cost_of(candidate.network, run.pixels.channels, (run.pixels.height, run.pixels.width))
    rows = list(candidate.history)
    rows.append(CardRow("network in torch", accuracy=parity.torch_accuracy, macs=cost.macs))
    rows += file_rows(artifacts, parity, timings, preferred, elsewhere=elsewhere)
    said = list(notes)
    if run.facts.started:
        said.append(f"its training started from {run.facts.started}")
    if own := _own_figure(candidate):
        said.append(own)
    if parity.between_formats is not None:
        said.append(f"int8 ONNX and int8 TFLite agree on {100 * parity.between_formats:.2f} % of the images")
    extra: dict[str, object] = {}
    if candidate.left_float:
        extra["left_float"] = dict(candidate.left_float)
    if candidate.choice is not None:
        extra["quantization"] = {"taken": list(candidate.choice.taken), "tried_db": candidate.choice.tried}
        if candidate.choice.sensitivity:
            extra["sensitivity"] = [dataclasses.asdict(row) for row in candidate.choice.sensitivity]
    return Card(
        name,
        run.config.task,
        len(run.classes),
        f"{run.config.model}, {cost}",
        candidate.made_of.evaluated_on,
        processor(),
        tuple(rows),
        config.command,
        tuple(said),
        extra,
        where,
        parity.images if candidate.made_of.task.right else 0,
        candidate.made_of.task.word,
    )


def _own_figure(candidate: Candidate) -> str:
    """Pictures with a say in the training flatter it: what the training itself found then stands beside them."""
    made_of, metrics = candidate.made_of, candidate.made_of.run.facts.metrics or {}
    figures = metrics.get("val", {})
    if made_of.task.right is None or "accuracy" not in figures or made_of.evaluation is not made_of.validation:
        return ""
    if "+" in str(metrics.get("judged", "")):  # said beside the images already
        return ""
    right = percent(figures["accuracy"], figures["images"])
    basis = metrics.get("basis", "answers of the best epoch")
    return f"these images had a say in the training's choices: it reported {right} before compression ({basis})"


def _decode(candidate: Candidate, shipped: Artifact, config: CompressConfig) -> Decode:
    """The settings of the training, brought to what the file that ships answers to the validation images."""
    made_of, pictures = candidate.made_of, candidate.made_of.validation
    seen = pictures.pixels if made_of.trained_on == made_of.pixels else pictures.at(made_of.trained_on)
    before = made_of.answers(made_of.network, seen)
    known = candidate.answers.get(shipped.path) if pictures is made_of.evaluation else None
    after = known or file_outputs(shipped, pictures.pixels)
    settled = made_of.task.resettle(before, after, made_of.targets(pictures), made_of.run.decode)
    return dataclasses.replace(settled, background=config.background) if config.background else settled
