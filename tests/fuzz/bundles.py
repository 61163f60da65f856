"""Bundles and model files of every odd kind, opened, inspected and made ready as far as an engine would take over."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.formats.catalog import FORMATS, describe
from edgelens.runtime.model.arguments import ModelArguments
from edgelens.runtime.model.network import choose_file
from edgelens.runtime.model.open import open_model
from edgelens.runtime.preprocess import pixel_values
from edgelens.runtime.tasks.catalog import decoder_of, task_of

from .fuzzer import Attempt, Fuzzer
from .mutate import mutated

__all__ = ["FUZZER", "MANIFEST", "ODD", "looked_at"]

MANIFEST = "manifest.json"
SMALL = ("benchmarks/weights/resnet8.int8.onnx", "benchmarks/weights/resnet8.int8.tflite")
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**40, 10**400, 1e308, -1e308, 0.5, float("nan"), float("inf"), "", "x", "../x",
    "/etc/passwd", "\0", "\u202e", "é" * 3000, [], {}, [[]], [None], {"": None}, [0] * 1000, "digits", "classify",
    "onnxruntime", "NCHW", "9" * 5000, {"a": {"b": {}}},
)  # fmt: skip
NAMES = (
    "manifest.json",
    "models/main.int8.onnx",
    "../up",
    "/abs",
    "a//b",
    "models",
    "ext/any",
    "x\\y",
    "C:x",
    "\u202e",
)
LABELS = ("classes", "names", "labels")
SAID: tuple[dict[str, Any], ...] = (
    {}, {}, {}, {"labels": ["a", "b"]}, {"mean": "1,2,3"}, {"std": 0.5}, {"decoder": "classify"}, {"decoder": "ssd"},
    {"input_size": "32x32"}, {"classes": "1"}, {"color": "gray"},
)  # fmt: skip


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Attempt]:
    """The smallest built-in, and small model files of both formats."""
    with zipfile.ZipFile(_builtin()) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    models = [Path(name) for name in SMALL]
    whole = _builtin().read_bytes()
    files = {path.suffix: path.read_bytes() for path in models}

    def attempt(chance: random.Random) -> None:
        if chance.random() < 0.3:
            suffix = chance.choice(list(files))
            path = folder / f"model{suffix}"
            path.write_bytes(_odd_model(chance, files[suffix]))
        else:
            path = folder / "odd.edge"
            data = _odd_bundle(chance, entries) if chance.random() < 0.8 else mutated(chance, whole)
            path.write_bytes(data)
        bundle = open_model(path, ModelArguments(**chance.choice(SAID)))
        looked_at(bundle)

    yield attempt


def _builtin() -> Path:
    from edgelens.runtime.model.open import _BUILTIN

    return _BUILTIN / "digits.edge"


def looked_at(bundle: Bundle) -> None:
    """What `inspect`, `run` and `verify` do with a bundle before an engine has its bytes."""
    for network in bundle.manifest.networks.values():
        choose_file(network)
        task_of(network.task)
        decoder_of(network)
        for file in network.files:
            pixel_values(file.tensor)
            data = bundle.read(file.path)
            if Path(file.path).suffix in FORMATS:
                describe(data, file.path)
    for golden in bundle.manifest.golden:
        for name in golden.frames:
            bundle.read(name)  # one that is empty is refused where it is decoded


def _odd_bundle(chance: random.Random, entries: dict[str, bytes]) -> bytes:
    """The bundle with an odd manifest, odd entries or an odd zip around them; hashes fit, so that all is looked at."""
    manifest = json.loads(entries[MANIFEST])
    changed = dict(entries)
    if chance.random() < 0.3:
        name = chance.choice([name for name in entries if name != MANIFEST])
        changed[name] = mutated(chance, changed[name])
    if chance.random() < 0.1:
        changed[chance.choice(NAMES)] = chance.choice((b"", b"x" * 100))
    manifest["entries"] = {name: hashlib.sha256(data).hexdigest() for name, data in changed.items() if name != MANIFEST}
    for network in manifest.get("networks", {}).values():
        for file in network.get("files", []):
            file |= {"sha256": manifest["entries"].get(file["path"], ""), "bytes": len(changed.get(file["path"], b""))}
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        _change(chance, manifest)
    text = json.dumps(manifest).encode("utf-8", "surrogatepass")
    changed[MANIFEST] = mutated(chance, text) if chance.random() < 0.2 else text
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", chance.choice((zipfile.ZIP_STORED,) * 9 + (zipfile.ZIP_DEFLATED,))) as archive:
        for name, data in changed.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    data = buffer.getvalue()
    return mutated(chance, data, most=2) if chance.random() < 0.1 else data


def _change(chance: random.Random, tree: Any) -> None:
    """Something somewhere in a tree of JSON made odd, gone or doubled."""
    places = list(_places(tree))
    holder, key = chance.choice(places)
    how = chance.random()
    if how < 0.75:
        holder[key] = copy.deepcopy(chance.choice(ODD))
    elif how < 0.9:
        del holder[key]
    elif isinstance(holder, dict):
        holder[chance.choice(("x", "", "threshold", "networks", "labels", "options"))] = copy.deepcopy(holder[key])
    else:
        holder.append(copy.deepcopy(holder[key]))


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        yield tree, key
        if isinstance(tree[key], (dict, list)) and tree[key]:
            yield from _places(tree[key])


def _odd_model(chance: random.Random, data: bytes) -> bytes:
    """A model file with bytes changed where its structure is rather than in its weights, and odd metadata behind it."""
    at = 0 if chance.random() < 0.5 else max(len(data) - 8000, 0)
    part = mutated(chance, data[at : at + 8000])
    odd = data[:at] + part + data[at + 8000 :]
    if chance.random() < 0.3:  # what an .onnx takes for metadata_props
        key, value = (
            chance.choice((*LABELS, "input", "stride", "task", "head")).encode(),
            str(chance.choice(ODD)).encode(),
        )
        pair = b"\x0a" + _varint(len(key)) + key + b"\x12" + _varint(len(value)) + value
        odd += b"\x72" + _varint(len(pair)) + pair
    return odd


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


FUZZER = Fuzzer(opened)
