"""What is inside a bundle or a model file, as plain data for `inspect` and for programs."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..bundle.bundle import Bundle
from ..bundle.manifest import SIGNATURE, ModelFile, Network
from ..bundle.signature import check_accepted, check_bare_accepted
from ..engines.catalog import available
from ..errors import EdgelensError, UsageError
from ..formats.catalog import FORMATS, describe
from ..formats.description import ModelDescription
from ..formats.tensor import TensorInfo
from ..preprocess import TensorContract, pixel_values
from .arguments import ModelArguments
from .bare import open_bare, read_file, read_model
from .open import open_model
from .trial import why_not

__all__ = ["inspect_model"]


def inspect_model(name: str, said: ModelArguments | None = None) -> dict[str, Any]:
    """Everything a bundle, a built-in or a bare model file says of itself, as JSON types."""
    said = said or ModelArguments()
    path = Path(name)
    if path.suffix.lower() in FORMATS and path.exists():
        return _bare(path, said)
    return _bundle(open_model(name, said))


def _bare(path: Path, said: ModelArguments) -> dict[str, Any]:
    data = read_file(path)
    file = describe(data, str(path))
    facts: dict[str, Any] = {"kind": file.format, "file": str(path), **_file_facts(data, file)}
    try:
        refusal = _refusal(lambda: check_bare_accepted(str(path)))
        facts["problem"] = refusal or why_not(read_model(path)[0], file.engine)
        bundle = open_bare(path, said)
    except EdgelensError as error:
        if said.said_of_picture() and isinstance(error, UsageError):
            raise
        facts["decoder"], facts["notes"] = None, []
        facts["problem"] = facts.get("problem") or str(error).removeprefix(f"{path}: ")
    else:
        network = bundle.manifest.main
        facts["decoder"], facts["notes"] = network.decode.decoder, list(bundle.notes)
        facts["network"] = _network(network)
    facts["labels"] = facts.get("network", {}).get("labels") or list(file.labels)
    return facts


def _bundle(bundle: Bundle) -> dict[str, Any]:
    manifest, refusal = bundle.manifest, _refusal(lambda: check_accepted(bundle))
    return {
        "kind": "bundle",
        "file": str(bundle.path or manifest.name),
        "bytes": bundle.path.stat().st_size if bundle.path else sum(map(len, bundle.memory.values())),
        "name": manifest.name,
        "format": ".".join(map(str, manifest.format)),
        "content_version": manifest.content_version,
        "signed": bundle.has(SIGNATURE),
        "provenance": dataclasses.asdict(manifest.provenance),
        "steps": [dataclasses.asdict(step) for step in manifest.steps],
        "golden": [{"network": g.network, "frames": len(g.frames), "sequence": g.sequence} for g in manifest.golden],
        "networks": {
            role: {**_network(network), "files": [_bundled(bundle, file, refusal) for file in network.files]}
            for role, network in manifest.networks.items()
        },
        "entries": dict(manifest.entries),
    }


def _network(network: Network) -> dict[str, Any]:
    return {
        "task": network.task,
        "labels": list(network.labels),
        "pixels": dataclasses.asdict(network.pixels),
        "tensor": dataclasses.asdict(network.files[0].tensor),
        "fed": _fed(network.files[0].tensor),
        "decode": dataclasses.asdict(network.decode),
        "feature_space": network.feature_space,
    }


def _fed(tensor: TensorContract) -> dict[str, list[float]]:
    """What a black and a white pixel become on their way in, one number or one a channel."""
    values = pixel_values(tensor)
    ends = np.array([[0, 255]]) if values is None else values[:, [0, -1]]
    return {"black": ends[:, 0].tolist(), "white": ends[:, 1].tolist()}


def _refusal(check: Callable[[], None]) -> str:
    """Why this device does not take it; empty where it does."""
    try:
        check()
    except EdgelensError as error:
        return str(error)
    return ""


def _bundled(bundle: Bundle, file: ModelFile, refusal: str) -> dict[str, Any]:
    """A bundle's model file: what the manifest says of it, and what the file itself does."""
    data = bundle.read(file.path)
    said = {
        "path": file.path,
        "engine": file.engine,
        "precision": file.precision,
        "installed": available(file.engine),
        "limits": dataclasses.asdict(file.limits),
        "measured": dict(file.measured),
    }
    try:
        facts = _file_facts(data, describe(data, file.path))
        return {**said, **facts, "problem": refusal or why_not(data, file.engine)}
    except EdgelensError as error:
        return {**said, "bytes": len(data), "sha256": file.sha256, "problem": str(error)}


def _file_facts(data: bytes, file: ModelDescription) -> dict[str, Any]:
    return {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "version": file.version,
        "producer": file.producer,
        "description": file.description,
        "weights": dict(file.weights),
        "external": list(file.external),
        "inputs": [_tensor(info) for info in file.inputs],
        "outputs": [_tensor(info) for info in file.outputs],
        "operators": file.operator_counts(),
        "metadata": dict(file.metadata),
    }


def _tensor(info: TensorInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "shape": list(info.shape),
        "dtype": info.dtype,
        "scale": info.scale,
        "zero_point": info.zero_point if info.scale is not None else None,
    }
