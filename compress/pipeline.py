"""From a trained run to a bundle: shrunk where asked, in 8 bits and proven (`candidate.py`), timed, and written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.learned import learned_to_bytes
from edgelens.runtime.bundle.manifest import Decode, Network, Output, Provenance
from edgelens.runtime.host.clock import now
from edgelens.runtime.metrics.interval import percent
from edgelens.train.models.cost import cost_of
from edgelens.train.runs.run import Run
from edgelens.train.tasks.catalog import make_task
from edgelens.version import __version__

from .bundle.assemble import checked_target, companions, file_rows, model_files, processor, write
from .bundle.card import Card, CardRow
from .bundle.report import report_html
from .candidate import Candidate, candidate_of
from .config import CompressConfig
from .export.artifact import Artifact, file_outputs
from .files.model_files import with_metadata
from .ingredients import Ingredients, ingredients_of, open_run
from .known import known_of
from .progress import Progress
from .proof.feature_space import feature_space
from .proof.parity import Parity
from .shrink import shrunk
from .timing.on_device import require_host, timed_elsewhere
from .timing.timing import FEW_ROUNDS, ROUNDS, Timing, preferred_file, time_artifacts
from .unread import refuse_unread

__all__ = ["Compressed", "compress_run", "write_candidate"]


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
    run = open_run(run_path, progress)
    with progress.step("reading the run and its images"):
        made_of = ingredients_of(run, config)
        refuse_unread(made_of, config)
    network, history = shrunk(made_of, config, progress)
    return write_candidate(candidate_of(network, made_of, config, progress, history), out, config, progress)


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
        elsewhere = timed_elsewhere(config, artifacts, progress.update)
        rounds = FEW_ROUNDS if elsewhere.timings else ROUNDS
        timings = time_artifacts(artifacts, golden.pictures[0], threads=config.threads, rounds=rounds)
    deciding = elsewhere.timings or timings
    chosen, gained = preferred_file(artifacts, candidate.parity, deciding, candidate.verdict.poorer)
    said = (*elsewhere.notes, *gained)
    preferred = preferred or chosen
    left_out = (f"{broken}: left out" for broken in candidate.verdict.broken.values())
    shipped = next(artifact for artifact in artifacts if artifact.path == preferred)
    with progress.step("fitting thresholds"):
        decode = _decode(candidate, shipped, config)
        known, score_alone = known_of(candidate.network, made_of, decode)
    for note in (*said, *score_alone):
        progress.say(note)
    notes = [*notes, *([] if config.allow_mismatch else left_out), *said, *score_alone]
    rows = file_rows(artifacts, candidate.parity, timings, preferred, elsewhere=elsewhere.timings)
    where = elsewhere.where
    card = _card(candidate, rows, decode, config=config, name=name, notes=notes, where=where, extra=extra or {})
    report = report_html(card, candidate.parity, plots, tables)
    seed, data = run.config.seed, str(run.facts.data.get("fingerprint", ""))
    with progress.step("writing"):
        outputs = tuple(Output(name, values.shape[1:]) for name, values in golden.reference.items())
        space = feature_space(candidate.network, run.pixels)
        network = Network(made_of.task.name, labels, run.pixels, outputs, decode, (), space, preferred)
        files = model_files(artifacts, golden, candidate.parity, timings, network, candidate.verdict.poorer)
        bundle = write(
            out,
            name=name,
            network=dataclasses.replace(network, files=files),
            artifacts=artifacts,
            golden=golden,
            card=card,
            known=known,
            learned=_learned(made_of),
            provenance=Provenance(f"edgelens {__version__}", config.command, seed, data, now(), _told(run)),
            beside=companions(config, card, report),
        )
    return Compressed(bundle, card, candidate.parity, timings, report)


def _told(run: Run) -> dict[str, str]:
    """Whose weights the training started from, with their licence, and what it promises; nothing where that is none."""
    told = {"started_from": run.started, "expected": run.expected}
    return {name: text for name, text in told.items() if text}


def _learned(made_of: Ingredients) -> bytes:
    """Digests of the pictures that the network learned."""
    parts = [made_of.splits.by_name[name] for name in made_of.run.learned_splits]
    return learned_to_bytes(part.content(i) for part in parts for i in range(len(part)))


def _card(
    candidate: Candidate,
    files: Sequence[CardRow],
    decode: Decode,
    *,
    config: CompressConfig,
    name: str,
    notes: Sequence[str],
    where: str,
    extra: Mapping[str, object],
) -> Card:
    """What a candidate's bundle says of itself; `where` its files were timed besides here."""
    run, parity = candidate.made_of.run, candidate.parity
    cost = cost_of(candidate.network, run.pixels.channels, (run.pixels.height, run.pixels.width))
    network = CardRow("network in torch", accuracy=parity.torch_accuracy, macs=cost.macs)
    said = list(notes)
    if run.unfinished:
        said.append(run.unfinished)
    if run.started:
        said.append(f"its training started from {run.started}")
    if own := _own_figure(candidate):
        said.append(own)
    for precision, share in parity.closely.items():
        said.append(f"{precision} ONNX and {precision} TFLite agree on {100 * share:.2f} % of the {parity.counted}")
    return Card(
        name,
        run.config.task,
        len(run.classes) if candidate.made_of.task.labelled else 0,
        f"{run.config.model}, {cost}",
        candidate.made_of.evaluated_on,
        processor(),
        (*candidate.history, network, *files),
        config.command,
        tuple(said),
        {**_decided(candidate, decode), **extra},
        where,
        parity.images if candidate.made_of.task.right else 0,
        candidate.made_of.task.word,
        config.threads,
    )


def _decided(candidate: Candidate, decode: Decode) -> dict[str, object]:
    """What was decided for the 8-bit files and of labels' own thresholds, and what a layer costs where it was asked."""
    decided: dict[str, object] = {"left_float": dict(candidate.left_float)} if candidate.left_float else {}
    if decode.thresholds:
        decided["thresholds"] = {label: round(least, 4) for label, least in decode.thresholds.items()}
    if candidate.choice is not None:
        decided["quantization"] = {"taken": list(candidate.choice.taken), "tried_db": candidate.choice.tried}
        if candidate.choice.sensitivity:
            decided["sensitivity"] = [dataclasses.asdict(row) for row in candidate.choice.sensitivity]
    return decided


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
    run, targets = made_of.run, made_of.targets(pictures)
    decode = run.decode
    if not run.facts.decode:  # of a training that was stopped before it was settled
        decode = make_task(run.config, run.classes).settle(before, targets, run.config.false_accepts).decode
    settled = made_of.task.resettle(before, after, targets, decode)
    return dataclasses.replace(settled, background=tuple(dict.fromkeys((*settled.background, *config.background))))
