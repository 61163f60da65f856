"""Several bundles as one: what the first finds is cut out and shown to the next; proven alone, then together."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgelens.version import __version__

from ..bundle.bundle import Bundle, complete, one_network, write_bundle
from ..bundle.manifest import ALIGNMENTS, EVERY, Golden, Manifest, Network, Provenance, Step
from ..bundle.target import check_target
from ..decode.known import entry_of
from ..engines.catalog import available
from ..errors import UsageError, WorkError
from ..host.clock import now
from ..host.files import are_one
from ..images.read import SUFFIXES, read_image
from ..images.write import encode_png, made_smaller
from ..tasks.catalog import task_of
from .crops import can_be_levelled
from .golden import frames_of, rows_to_arrays
from .recognizer import BundleRecognizer
from .verify import verify_bundle
from .verify_pipeline import pipeline_agreement

__all__ = ["ChainOptions", "chain"]

_FRAMES = 12  # golden ones of the whole
_LEAST = 0.5  # agreement of a file's rows with the reference's under which no bundle is written
_SLACK = 0.1  # other processors may be off by so much more
_FINDS = {"keypoints": "YuNet, which finds faces", "corners": "a finder of text"}  # what is levelled by


@dataclass(frozen=True)
class ChainOptions:
    """How a later network looks at what an earlier one found."""

    margin: float = 0.0  # of the box, on every side
    align: str | None = None
    classes: tuple[str, ...] = ()  # only these are looked into; all unless said
    every: str = "frame"  # "track": of what is followed only when it is new or has changed
    inside: str | None = None  # the step whose rows are cut out; the first one unless said

    def __post_init__(self) -> None:
        if self.every not in EVERY:
            raise UsageError(f"--every {self.every}: must be {' or '.join(EVERY)}")
        if not 0 <= self.margin <= 2:
            raise UsageError(f"--margin {self.margin:g}: must be between 0 and 2, a share of the box on every side")
        if self.align not in (None, *ALIGNMENTS):
            raise UsageError(f"--align {self.align}: must be {' or '.join(ALIGNMENTS)}")


def chain(
    first: Bundle,
    second: Bundle,
    out: str | Path,
    options: ChainOptions = ChainOptions(),
    *,
    images: str | None = None,
    name: str | None = None,
    command: str = "",
) -> Bundle:
    """Write the bundle `out`, in which `second` looks at what `first` finds.

    Photos in the folder `images` prove the whole; the golden frames of `first` unless there is one.
    """
    check_target(out)
    for bundle in (first, second):
        if bundle.path is not None and are_one(bundle.path, Path(out)):
            raise UsageError(f"--out {out}: is one of the two that are joined; name another")
        _require_proof(bundle)
    manifest, entries = _together(first, second, options)
    _check_align(first, manifest.steps, options)
    names = _first_frames(manifest)
    if images is not None:
        frames = {f"golden/whole/{i:03d}.png": frame for i, frame in enumerate(_frames_in(images))}
        entries |= frames
        names = tuple(frames)
    golden = Golden("", names, "golden/whole.npz")
    provenance = Provenance(
        f"edgelens {__version__}",
        command,
        created=now(),
        notes={"made_of": [_origin(bundle) for bundle in (first, second)]},
    )
    manifest = dataclasses.replace(
        manifest, name=name or Path(out).stem, golden=(*manifest.golden, golden), provenance=provenance
    )
    return _proven(manifest, entries, golden, out)


def _require_proof(bundle: Bundle) -> None:
    """Only what verifies alone becomes a part of something larger."""
    name = str(bundle.path or bundle.manifest.name)
    if bundle.path is None:
        raise UsageError(
            f"{name}: is a bare model file; make a bundle of it first: edgelens bundle {name} --out X.edge"
        )
    for role, network in bundle.manifest.networks.items():
        if not network.labels and task_of(network.task).labelled:
            raise UsageError(f"{name}: the network {role} has no labels; wrap it again with --labels")
    report = verify_bundle(bundle)
    if not report.ok:
        bad = ", ".join(file.path for file in report.files if not file.within and not file.skipped)
        raise WorkError(f"{name}: does not verify here ({bad or 'no engine for it'}); nothing is written")


def _together(first: Bundle, second: Bundle, options: ChainOptions) -> tuple[Manifest, dict[str, bytes]]:
    """Networks, steps, golden data and entries of both, each under a name of its own."""
    networks: dict[str, Network] = {}
    entries: dict[str, bytes] = {}
    steps: list[Step] = []
    golden: list[Golden] = []
    for bundle in (first, second):
        roles = {role: _free(_role(bundle, role), networks) for role in bundle.manifest.networks}
        for role, new in roles.items():
            networks[new] = _moved(bundle, role, new, entries)
        golden += [
            _moved_golden(bundle, each, roles[each.network], entries) for each in bundle.manifest.golden if each.network
        ]
        outputs = {step.output: roles[step.network] for step in bundle.manifest.steps}
        for step in bundle.manifest.steps:
            region = outputs.get(step.region) if step.region else None
            new_step = dataclasses.replace(step, network=roles[step.network], output=roles[step.network], region=region)
            steps.append(new_step if bundle is first or region else _looking_into(new_step, steps, options))
    _check_classes(networks, steps, options)
    return Manifest("", networks, tuple(steps), tuple(golden)), entries


def _looking_into(step: Step, before: Sequence[Step], options: ChainOptions) -> Step:
    inside = options.inside or before[0].output
    if inside not in {each.output for each in before}:
        raise UsageError(f"--inside {inside}: must be one of {', '.join(each.output for each in before)}")
    return dataclasses.replace(
        step, region=inside, margin=options.margin, align=options.align, classes=options.classes, every=options.every
    )


def _check_classes(networks: Mapping[str, Network], steps: Sequence[Step], options: ChainOptions) -> None:
    source = next(step for step in steps if step.output == (options.inside or steps[0].output))
    labels = networks[source.network].labels
    for label in options.classes:
        if label not in labels:
            raise UsageError(f"--classes {label}: is no label of {source.network}; there are {', '.join(labels[:8])}")


def _check_align(first: Bundle, steps: Sequence[Step], options: ChainOptions) -> None:
    """Refuse to level by what the finder shows with nothing that it finds in its golden frames."""
    if options.align is None:
        return
    at = [step.output for step in steps].index(options.inside or steps[0].output)
    finder = one_network(first, first.manifest.steps[at].network)
    whole = any(file.precision == "float32" for file in finder.manifest.main.files)  # others' file may be float16 alone
    with BundleRecognizer(finder, precision="float32" if whole else None) as recognizer:
        frames = (frame for golden in finder.manifest.golden for frame in frames_of(finder, golden))
        seen = [recognizer.recognize(frame).recognitions for frame in frames]
    if any(map(len, seen)) and not any(can_be_levelled(each, options.align) for each in seen):
        raise UsageError(
            f"--align {options.align}: {steps[at].output} finds no {options.align}: leave it out, or take a finder that"
            f" has them, such as {_FINDS[options.align]}"
        )


def _role(bundle: Bundle, role: str) -> str:
    """A network's name in the whole: its bundle's, where that has but one."""
    name = role if len(bundle.manifest.networks) > 1 else Path(bundle.path or bundle.manifest.name).stem
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or role


def _free(name: str, taken: Mapping[str, Any]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def _moved(bundle: Bundle, role: str, new: str, entries: dict[str, bytes]) -> Network:
    """A network whose files lie under its new name."""
    network = bundle.manifest.networks[role]
    files, places = [], {}
    for file in network.files:
        places[file.path] = path = f"models/{new}/{Path(file.path).name}"
        entries[path] = bundle.read(file.path)
        files.append(dataclasses.replace(file, path=path))
    decode = network.decode
    if isinstance(known := decode.options.get("known"), str):
        entries[place := entry_of(new)] = bundle.read(known)
        decode = dataclasses.replace(decode, options={**decode.options, "known": place})
    preferred = places.get(network.preferred, "")
    return dataclasses.replace(network, files=tuple(files), preferred=preferred, decode=decode)


def _moved_golden(bundle: Bundle, golden: Golden, new: str, entries: dict[str, bytes]) -> Golden:
    frames = tuple(f"golden/{new}/{Path(frame).name}" for frame in golden.frames)
    entries |= {place: bundle.read(frame) for place, frame in zip(frames, golden.frames, strict=True)}
    reference = f"golden/{new}/{Path(golden.reference).name}"
    entries[reference] = bundle.read(golden.reference)
    return dataclasses.replace(golden, network=new, frames=frames, reference=reference)


def _first_frames(manifest: Manifest) -> tuple[str, ...]:
    """The frames that the first network is proven with: whole pictures, in which it finds things."""
    names = [frame for each in manifest.golden if each.network == manifest.steps[0].network for frame in each.frames]
    return tuple(dict.fromkeys(names))[:_FRAMES]


def _frames_in(folder: str) -> list[bytes]:
    """The first photos of a folder, as they are stored."""
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise UsageError(f"--images {folder}: holds no images; give a folder of photos like those it will see")
    return [encode_png(made_smaller(read_image(path))) for path in paths[:_FRAMES]]


def _origin(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    digest = hashlib.sha256(json.dumps(sorted(manifest.entries.items())).encode()).hexdigest()
    return {"name": manifest.name, "content_version": manifest.content_version, "entries_sha256": digest}


def _proven(manifest: Manifest, entries: dict[str, bytes], golden: Golden, out: str | Path) -> Bundle:
    """The bundle, its whole run by its own best file first and by every engine and precision after."""

    def in_memory(reference: bytes) -> Bundle:
        every = {**entries, golden.reference: reference}
        return Bundle(complete(manifest, every), None, every)

    with BundleRecognizer(in_memory(b""), precision="float32") as recognizer:
        seen = [recognizer.recognize(frame).recognitions for frame in frames_of(recognizer.bundle, golden)]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **rows_to_arrays(seen))  # type: ignore[arg-type]
    whole = in_memory(buffer.getvalue())
    least = _least_agreement(whole, golden)
    if least < _LEAST:
        raise WorkError(
            f"{out}: its engines and precisions find the same things to {least:.0%} only: nothing is written"
        )
    golden = dataclasses.replace(golden, agreement=round(max(least - _SLACK, _LEAST), 3))
    manifest = dataclasses.replace(manifest, golden=(*manifest.golden[:-1], golden))
    entries[golden.reference] = buffer.getvalue()
    rows = sum(len(each) for each in seen)
    card = {
        "schema": 1,
        "name": manifest.name,
        "steps": list(manifest.networks),
        "golden_rows": rows,
        "agreement": least,
    }
    entries |= {"card.json": (json.dumps(card, indent=1) + "\n").encode(), "card.md": _card(manifest, rows, least)}
    return write_bundle(out, manifest, entries)


def _least_agreement(whole: Bundle, golden: Golden) -> float:
    files = [file for network in whole.manifest.networks.values() for file in network.files]
    kinds = {(file.engine, file.precision) for file in files if available(file.engine)}
    return min(pipeline_agreement(whole, golden, engine, precision, None) for engine, precision in sorted(kinds))


def _card(manifest: Manifest, rows: int, agreement: float) -> bytes:
    lines = [f"# {manifest.name}", "", "| step | looks at | task | labels |", "|---|---|---|---|"]
    for step in manifest.steps:
        network = manifest.networks[step.network]
        where = f"what {step.region} found" if step.region else "the frame"
        lines.append(f"| {step.output} | {where} | {network.task} | {len(network.labels)} |")
    lines += [
        "",
        f"{rows} things in the golden frames; the worst engine and precision finds {agreement:.1%} of them.",
        "",
    ]
    return "\n".join(lines).encode()
