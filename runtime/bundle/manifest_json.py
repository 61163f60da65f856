"""The manifest's JSON: read with one clear line for whatever is wrong, written in a stable order.

Unknown keys are passed over, so that an old fleet survives a new kit; a wrong type or value names its path.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import BundleError
from ..preprocess import ANCHORS, COLORS, FILTERS, RESIZES, PixelContract, TensorContract
from .json_node import Node, read_json
from .manifest import (
    ALIGNMENTS,
    EVERY,
    FORMAT,
    MOST_STEPS,
    Decode,
    Golden,
    Limits,
    Manifest,
    ModelFile,
    Network,
    Output,
    Provenance,
    Step,
)

__all__ = ["DTYPES", "dump_manifest", "parse_contract", "parse_manifest"]

_MAX_SIDE = 8192
_SMALLEST_STD = 1e-6
DTYPES = ("uint8", "int8", "float32", "float16", "int32", "int64")


def dump_manifest(manifest: Manifest) -> bytes:
    """The manifest as UTF-8 JSON, in the oldest format that can say it."""
    plain = dataclasses.asdict(manifest)
    for network in plain["networks"].values():
        if not network["pixels"]["widths"]:
            del network["pixels"]["widths"]  # of one width, as all were once
    if manifest.format[0] < 2:
        _flatten(plain)
    plain["format"] = ".".join(map(str, manifest.format))
    return (json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def parse_manifest(data: bytes, where: str) -> Manifest:
    """A validated manifest from its JSON; `where` names the file in messages."""
    node = read_json(data, where)
    major, minor = _format(node)
    if major > FORMAT[0]:
        raise BundleError(
            f"{where}: bundle format {major}.{minor} is newer than this kit reads ({FORMAT[0]}.x): update edgelens"
        )
    flat = major < 2
    manifest = Manifest(
        name=node.text("name"),
        networks=node.table("networks", lambda network: _network(network, flat=flat)),
        steps=node.rows("steps", _step),
        golden=node.rows("golden", _golden, default=()),
        content_version=int(node.number("content_version", 1, low=1, high=2**53)),
        provenance=_provenance(node.child("provenance", {})),
        entries=node.table("entries", lambda entry: entry.hash()),
    )
    _check_references(manifest, where)
    return manifest


def parse_contract(plain: Any, where: str) -> tuple[PixelContract, TensorContract]:
    """The input contract that the kit writes into a model file's metadata, from its plain JSON."""
    node = Node(plain, where, "")
    return _pixels(node.child("pixels")), _tensor(node.child("tensor"))


def _format(node: Node) -> tuple[int, int]:
    text = node.text("format")
    match = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", text)
    if not match:
        raise node.child("format").fail(f"is {text[:40]!r}, must read major.minor")
    return int(match[1]), int(match[2])


def _network(node: Node, *, flat: bool) -> Network:
    return Network(
        task=node.text("task"),
        labels=node.texts("labels"),
        pixels=_pixels(node.child("pixels")),
        outputs=node.rows("outputs", _output),
        decode=_decode(node.child("decode"), flat=flat),
        files=node.rows("files", lambda file: _file(file, flat=flat)),
        feature_space=node.text("feature_space", ""),
        preferred=node.text("preferred", ""),
    )


def _pixels(node: Node) -> PixelContract:
    return PixelContract(
        height=node.integer("height", low=1, high=_MAX_SIDE),
        width=node.integer("width", low=1, high=_MAX_SIDE),
        color=node.text("color", choices=COLORS),  # type: ignore[arg-type]
        resize=node.text("resize", choices=RESIZES),  # type: ignore[arg-type]
        filter=node.text("filter", "halves", choices=FILTERS),  # type: ignore[arg-type]
        pad=node.integer("pad", 128, high=255),
        anchor=node.text("anchor", "center", choices=ANCHORS),  # type: ignore[arg-type]
        widths=_widths(node),
    )


def _widths(node: Node) -> tuple[int, ...]:
    widths = node.rows("widths", lambda row: int(row.as_number(1, _MAX_SIDE)), ())
    if list(widths) != sorted(set(widths)):
        raise node.child("widths").fail("must be widths, each larger than the one before")
    return widths


def _tensor(node: Node) -> TensorContract:
    tensor = TensorContract(
        name=node.text("name"),
        layout=node.text("layout", "NHWC", choices=("NHWC", "NCHW")),  # type: ignore[arg-type]
        dtype=node.text("dtype", choices=DTYPES),
        mean=node.numbers("mean", [0.0]),
        std=node.numbers("std", [1.0]),
        scale=node.optional("scale", 1e-12, 1e12),
        zero_point=node.integer("zero_point", 0, low=-(2**31)),
    )
    if any(abs(number) < _SMALLEST_STD for number in tensor.std):
        raise node.child("std").fail("must not be 0")
    return tensor


def _output(node: Node) -> Output:
    shape = node.rows("shape", lambda n: int(n.as_number(0, 1e9)), default=())
    return Output(node.text("name"), shape, node.text("dtype", "float32", choices=DTYPES))


def _decode(node: Node, *, flat: bool) -> Decode:
    options = dict(node.plain("options"))
    return Decode(
        decoder=node.text("decoder"),
        threshold=node.number("threshold", 0.0, low=0, high=1),
        background=node.texts("background", ()),
        thresholds=node.table("thresholds", lambda label: label.as_number(0, 1), default={}),
        options=_gathered(node, options) if flat else options,
    )


def _file(node: Node, *, flat: bool) -> ModelFile:
    return ModelFile(
        path=node.text("path"),
        engine=node.text("engine"),
        precision=node.text("precision"),
        tensor=_tensor(node.child("tensor")),
        sha256=node.child("sha256").hash(),
        bytes=node.integer("bytes", 0, high=2**40),
        outputs=node.texts("outputs", ()),
        limits=_limits(node.child("limits", {}), flat=flat),
        measured=node.plain("measured"),
    )


def _limits(node: Node, *, flat: bool) -> Limits:
    agreement, without_vnni = _OLD_LIMITS if flat else ("agreement", "no_vnni_agreement")
    return Limits(
        agreement=node.number(agreement, 0.98, low=0, high=1),
        snr_db=node.number("snr_db", 20.0, low=-100, high=400),
        no_vnni_agreement=node.optional(without_vnni, 0, 1),
        no_vnni_snr_db=node.optional("no_vnni_snr_db", -100, 400),
    )


def _step(node: Node) -> Step:
    value = node.value if isinstance(node.value, dict) else {}
    return Step(
        input=node.text("input", "frame"),
        network=node.text("network"),
        region=None if value.get("region") is None else node.text("region"),
        align=None if value.get("align") is None else node.text("align", choices=ALIGNMENTS),
        output=node.text("output", "result"),
        margin=node.number("margin", 0.0, low=0, high=4),
        classes=node.texts("classes", ()),
        every=node.text("every", "frame", choices=EVERY),
    )


def _golden(node: Node) -> Golden:
    return Golden(
        network=node.text("network"),
        frames=node.texts("frames"),
        reference=node.text("reference"),
        sequence=node.flag("sequence", default=False),
        agreement=node.number("agreement", 0.9, low=0, high=1),
    )


def _provenance(node: Node) -> Provenance:
    value = node.value if isinstance(node.value, dict) else {}
    return Provenance(
        kit=node.text("kit", ""),
        command=node.text("command", "", allowed="\n\t"),
        seed=None if value.get("seed") is None else node.integer("seed", low=-(2**63), high=2**63),
        data=node.text("data", ""),
        created=node.text("created", ""),
        notes=node.plain("notes"),
    )


def _check_references(manifest: Manifest, where: str) -> None:
    """Every name that points somewhere points at something that is there."""

    def fail(problem: str) -> BundleError:
        return BundleError(f"{where}: manifest.json: {problem}")

    if not manifest.steps:
        raise fail("steps is empty: a bundle has at least one")
    if len(manifest.steps) > MOST_STEPS:
        raise fail(f"has {len(manifest.steps)} steps: {MOST_STEPS} are the most")
    earlier: set[str] = set()
    for step in manifest.steps:
        if step.network not in manifest.networks:
            raise fail(f"a step names the network {step.network!r}, which is not there")
        if step.region is not None and step.region not in earlier:
            raise fail(f"a step looks into {step.region!r}, which no step before it gives")
        if step.output in earlier:
            raise fail(f"two steps give {step.output!r}")
        earlier.add(step.output)
    for role, network in manifest.networks.items():
        if problem := _problem_of(network, manifest.entries):
            raise fail(f"network {role!r} {problem}")
    for golden in manifest.golden:
        if golden.network and golden.network not in manifest.networks:
            raise fail(f"golden data names the network {golden.network!r}, which is not there")
        for entry in (*golden.frames, golden.reference):
            if entry not in manifest.entries:
                raise fail(f"golden data names {entry!r}, which is not listed in entries")


def _problem_of(network: Network, entries: Mapping[str, str]) -> str:
    """What is wrong with how a network's files and outputs fit together; empty where nothing is."""
    if not network.files:
        return "has no model file"
    if not network.outputs or len({output.name for output in network.outputs}) != len(network.outputs):
        return "must have outputs, each with a name of its own"
    for file in network.files:
        if entries.get(file.path) != file.sha256:
            return f"has the file {file.path!r}, which is not listed in entries with the same sha256"
    if network.preferred and network.preferred not in {file.path for file in network.files}:
        return f"prefers {network.preferred!r}, which is none of its files"
    return ""


# what format 1 keeps beside the decoder's options, in its order: keys that every kit reads, their values unless said,
# which are the decoders' own, and how they are checked
_FLAT: dict[str, tuple[Any, Callable[[Node, str, Any], Any]]] = {
    "temperature": (1.0, lambda node, key, usual: node.number(key, usual, low=1e-3, high=1e3)),
    "top_k": (5, lambda node, key, usual: node.integer(key, usual, low=1, high=100_000)),
    "iou": (0.45, lambda node, key, usual: node.number(key, usual, low=0, high=1)),
    "max_det": (100, lambda node, key, usual: node.integer(key, usual, low=1, high=100_000)),
    "probabilities": (False, lambda node, key, usual: node.flag(key, default=usual)),
}
_OLD_LIMITS = ("top1_agreement", "no_vnni_top1_agreement")


def _gathered(node: Node, options: dict[str, Any]) -> dict[str, Any]:
    """A decoder's options with those that format 1 keeps beside them, as far as they say anything."""
    beside = {key: read(node, key, usual) for key, (usual, read) in _FLAT.items()}
    inside = {key: value for key, value in options.items() if key not in _FLAT or isinstance(value, str)}
    return {**inside, **{key: value for key, value in beside.items() if value != _FLAT[key][0]}}


def _flatten(plain: dict[str, Any]) -> None:
    """A manifest's plain JSON as format 1 writes it."""
    for network in plain["networks"].values():
        network["decode"] = _flat_decode(network["decode"])
        for file in network["files"]:
            file["limits"] = _flat_limits(file["limits"])
    for step in plain["steps"]:
        del step["margin"], step["classes"], step["every"]
    for golden in plain["golden"]:
        del golden["agreement"]


def _flat_decode(decode: dict[str, Any]) -> dict[str, Any]:
    said = decode["options"]
    inside = {key: value for key, value in said.items() if key not in _FLAT or isinstance(value, str)}
    beside = {key: usual if key in inside else said.get(key, usual) for key, (usual, _) in _FLAT.items()}
    thresholds = {"thresholds": decode["thresholds"]} if decode["thresholds"] else {}
    head = {"decoder": decode["decoder"], "threshold": decode["threshold"]}
    return {**head, **beside, "background": decode["background"], **thresholds, "options": inside}


def _flat_limits(limits: dict[str, Any]) -> dict[str, Any]:
    agreement, without_vnni = _OLD_LIMITS
    return {
        agreement: limits["agreement"],
        "snr_db": limits["snr_db"],
        without_vnni: limits["no_vnni_agreement"],
        "no_vnni_snr_db": limits["no_vnni_snr_db"],
    }
