"""The manifest's JSON: read with one clear line for whatever is wrong, written in a stable order.

Unknown keys are passed over, so that an old fleet survives a new kit; a wrong type or value names its path.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..errors import BundleError
from ..preprocess import ANCHORS, COLORS, FILTERS, RESIZES, PixelContract, TensorContract
from .manifest import FORMAT, Decode, Golden, Limits, Manifest, ModelFile, Network, Output, Provenance, Step

__all__ = ["dump_manifest", "parse_contract", "parse_manifest"]

T = TypeVar("T")

_MAX_SIDE = 8192
_MAX_TEXT = 4096
_SMALLEST_STD = 1e-6
_DTYPES = ("uint8", "int8", "float32", "float16", "int32", "int64")
_HASH = re.compile(r"[0-9a-f]{64}")


def dump_manifest(manifest: Manifest) -> bytes:
    """The manifest as UTF-8 JSON."""
    plain = dataclasses.asdict(manifest)
    plain["format"] = ".".join(map(str, manifest.format))
    return (json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def parse_manifest(data: bytes, where: str) -> Manifest:
    """A validated manifest from its JSON; `where` names the file in messages."""
    try:
        plain = json.loads(
            data.decode("utf-8"),
            parse_constant=_no_constant,
            parse_float=_finite,
            object_pairs_hook=_without_duplicates,
        )
        json.dumps(plain, ensure_ascii=False).encode()  # half of a surrogate pair is no text that can be printed
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _plain_reason(error)
        raise BundleError(f"{where}: manifest.json is not valid JSON ({reason})") from None
    node = _Node(plain, where, "")
    major, minor = _format(node)
    if major > FORMAT[0]:
        raise BundleError(
            f"{where}: bundle format {major}.{minor} is newer than this kit reads ({FORMAT[0]}.x): update edgelens"
        )
    manifest = Manifest(
        name=node.text("name"),
        networks=node.table("networks", _network),
        steps=node.rows("steps", _step),
        golden=node.rows("golden", _golden, default=()),
        content_version=int(node.number("content_version", 1, low=1, high=2**53)),
        provenance=_provenance(node.child("provenance", {})),
        entries=node.table("entries", lambda entry: entry.hash()),
        format=(major, minor),
    )
    _check_references(manifest, where)
    return manifest


def parse_contract(plain: Any, where: str) -> tuple[PixelContract, TensorContract]:
    """The input contract that the kit writes into a model file's metadata, from its plain JSON."""
    node = _Node(plain, where, "")
    return _pixels(node.child("pixels")), _tensor(node.child("tensor"))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:40]!r} is there twice")
    return found


def _plain_reason(error: ValueError) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "it holds half of a surrogate pair"
    return " ".join(str(error).split())[:120]


class _Node:
    """A JSON value that knows its path, so that every complaint can name it."""

    def __init__(self, value: Any, where: str, path: str) -> None:
        self.value, self.where, self.path = value, where, path

    def fail(self, problem: str) -> BundleError:
        return BundleError(f"{self.where}: manifest.json: {self.path or 'top level'} {problem}")

    def child(self, key: str, default: Any = ...) -> _Node:
        if not isinstance(self.value, dict):
            raise self.fail("must be an object")
        if key not in self.value and default is ...:
            raise self.fail(f"lacks {key!r}")
        value = self.value.get(key, default)
        return _Node(
            default if value is None and default is not ... else value,
            self.where,
            f"{self.path}.{key}".lstrip("."),
        )

    def text(self, key: str, default: Any = ..., choices: tuple[str, ...] = ()) -> str:
        node = self.child(key, default)
        node.as_text(allowed="\n\t")
        if choices and node.value not in choices:
            raise node.fail(f"is {node.value[:40]!r}, must be one of {', '.join(choices)}")
        return str(node.value)

    def number(self, key: str, default: Any = ..., low: float = -math.inf, high: float = math.inf) -> float:
        return self.child(key, default).as_number(low, high)

    def as_number(self, low: float = -math.inf, high: float = math.inf) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            raise self.fail("must be a number")
        if not low <= self.value <= high:
            raise self.fail(f"is {str(self.value)[:40]}, must be between {low:g} and {high:g}")
        return float(self.value)

    def integer(self, key: str, default: Any = ..., low: int = 0, high: int = 2**31) -> int:
        node = self.child(key, default)
        number = node.as_number(low, high)
        if number != int(number):
            raise node.fail("must be a whole number")
        return int(node.value)

    def optional(self, key: str, low: float, high: float) -> float | None:
        if not isinstance(self.value, dict):
            raise self.fail("must be an object")
        return None if self.value.get(key) is None else self.number(key, low=low, high=high)

    def flag(self, key: str, default: bool) -> bool:
        node = self.child(key, default)
        if not isinstance(node.value, bool):
            raise node.fail("must be true or false")
        return node.value

    def rows(self, key: str, make: Callable[[_Node], T], default: Any = ...) -> tuple[T, ...]:
        node = self.child(key, default)
        if not isinstance(node.value, (list, tuple)) or len(node.value) > 100_000:
            raise node.fail("must be a list")
        return tuple(make(_Node(v, self.where, f"{node.path}[{i}]")) for i, v in enumerate(node.value))

    def texts(self, key: str, default: Any = ...) -> tuple[str, ...]:
        return self.rows(key, lambda row: row.as_text(), default)

    def numbers(self, key: str, default: Any = ...) -> tuple[float, ...]:
        found = self.rows(key, lambda row: row.as_number(-1e9, 1e9), default)
        if len(found) not in (1, 3):
            raise self.child(key).fail("must hold one number, or one a channel")
        return found

    def as_text(self, allowed: str = "") -> str:
        if not isinstance(self.value, str) or len(self.value) > _MAX_TEXT:
            raise self.fail(f"must be a text of at most {_MAX_TEXT} letters")
        if any((letter < " " and letter not in allowed) or letter == "\x7f" for letter in self.value):
            raise self.fail("must be a text without control characters")
        return self.value

    def table(self, key: str, make: Callable[[_Node], T]) -> dict[str, T]:
        node = self.child(key)
        if not isinstance(node.value, dict):
            raise node.fail("must be an object")
        return {name: make(node.child(name)) for name in node.value}

    def plain(self, key: str) -> Mapping[str, Any]:
        node = self.child(key, {})
        if not isinstance(node.value, dict):
            raise node.fail("must be an object")
        return node.value

    def hash(self) -> str:
        if not isinstance(self.value, str) or not _HASH.fullmatch(self.value):
            raise self.fail("must be a sha256 in 64 hex digits")
        return self.value


def _format(node: _Node) -> tuple[int, int]:
    text = node.text("format")
    found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", text)
    if not found:
        raise node.child("format").fail(f"is {text[:40]!r}, must read major.minor")
    return int(found[1]), int(found[2])


def _network(node: _Node) -> Network:
    return Network(
        task=node.text("task"),
        labels=node.texts("labels"),
        pixels=_pixels(node.child("pixels")),
        outputs=node.rows("outputs", _output),
        decode=_decode(node.child("decode")),
        files=node.rows("files", _file),
        feature_space=node.text("feature_space", ""),
        preferred=node.text("preferred", ""),
    )


def _pixels(node: _Node) -> PixelContract:
    return PixelContract(
        height=node.integer("height", low=1, high=_MAX_SIDE),
        width=node.integer("width", low=1, high=_MAX_SIDE),
        color=node.text("color", choices=COLORS),  # type: ignore[arg-type]
        resize=node.text("resize", choices=RESIZES),  # type: ignore[arg-type]
        filter=node.text("filter", "halves", choices=FILTERS),  # type: ignore[arg-type]
        pad=node.integer("pad", 128, high=255),
        anchor=node.text("anchor", "center", choices=ANCHORS),  # type: ignore[arg-type]
    )


def _tensor(node: _Node) -> TensorContract:
    tensor = TensorContract(
        name=node.text("name"),
        layout=node.text("layout", "NHWC", choices=("NHWC", "NCHW")),  # type: ignore[arg-type]
        dtype=node.text("dtype", choices=_DTYPES),
        mean=node.numbers("mean", [0.0]),
        std=node.numbers("std", [1.0]),
        scale=node.optional("scale", 1e-12, 1e12),
        zero_point=node.integer("zero_point", 0, low=-(2**31)),
    )
    if any(abs(number) < _SMALLEST_STD for number in tensor.std):
        raise node.child("std").fail("must not be 0")
    return tensor


def _output(node: _Node) -> Output:
    shape = node.rows("shape", lambda n: int(n.as_number(0, 1e9)), default=())
    return Output(node.text("name"), shape, node.text("dtype", "float32", choices=_DTYPES))


def _decode(node: _Node) -> Decode:
    return Decode(
        decoder=node.text("decoder"),
        threshold=node.number("threshold", 0.0, low=0, high=1),
        temperature=node.number("temperature", 1.0, low=1e-3, high=1e3),
        top_k=node.integer("top_k", 5, low=1, high=100_000),
        iou=node.number("iou", 0.45, low=0, high=1),
        max_det=node.integer("max_det", 100, low=1, high=100_000),
        probabilities=node.flag("probabilities", default=False),
        background=node.texts("background", ()),
        options=node.plain("options"),
    )


def _file(node: _Node) -> ModelFile:
    return ModelFile(
        path=node.text("path"),
        engine=node.text("engine"),
        precision=node.text("precision"),
        tensor=_tensor(node.child("tensor")),
        sha256=node.child("sha256").hash(),
        bytes=node.integer("bytes", 0, high=2**40),
        outputs=node.texts("outputs", ()),
        limits=_limits(node.child("limits", {})),
        measured=node.plain("measured"),
    )


def _limits(node: _Node) -> Limits:
    return Limits(
        agreement=node.number("top1_agreement", 0.98, low=0, high=1),
        snr_db=node.number("snr_db", 20.0, low=-100, high=400),
        no_vnni_agreement=node.optional("no_vnni_top1_agreement", 0, 1),
        no_vnni_snr_db=node.optional("no_vnni_snr_db", -100, 400),
    )


def _step(node: _Node) -> Step:
    value = node.value if isinstance(node.value, dict) else {}
    return Step(
        input=node.text("input", "frame"),
        network=node.text("network"),
        region=None if value.get("region") is None else node.text("region"),
        align=None if value.get("align") is None else node.text("align"),
        output=node.text("output", "result"),
    )


def _golden(node: _Node) -> Golden:
    return Golden(
        network=node.text("network"),
        frames=node.texts("frames"),
        reference=node.text("reference"),
        sequence=node.flag("sequence", default=False),
    )


def _provenance(node: _Node) -> Provenance:
    value = node.value if isinstance(node.value, dict) else {}
    return Provenance(
        kit=node.text("kit", ""),
        command=node.text("command", ""),
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
    for step in manifest.steps:
        if step.network not in manifest.networks:
            raise fail(f"a step names the network {step.network!r}, which is not there")
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
