"""What rides along in a .tflite: TFLite metadata, and the files in the zip that is appended to the model."""

from __future__ import annotations

import ast
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .description import FormatError
from .flatbuffer import Table, root

__all__ = ["Extras", "read_extras"]

_MAX_FILES = 64
_MAX_FILE_BYTES = 4 * 1024 * 1024
_LABEL_TYPES = (2, 3)  # AssociatedFileType: labels of an axis, labels of values


@dataclass(frozen=True)
class Extras:
    """Metadata as texts, labels, and the normalization a file states."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


def read_extras(blobs: Mapping[str, bytes], data: bytes) -> Extras:
    """Everything beside the network itself; what is damaged there is passed over, the network can still run."""
    files = _appended_files(data)
    metadata: dict[str, str] = {}
    for name, content in files.items():
        metadata.update(_dictionary(name, content))
    labels: tuple[str, ...] = ()
    mean = std = None
    blob = blobs.get("TFLITE_METADATA")
    if blob:
        try:
            model = root(blob)
            metadata.update({key: value for key, value in _about(model).items() if value})
            labels = _labels(model, files)
            mean, std = _normalization(model)
        except FormatError:
            metadata["TFLITE_METADATA"] = "damaged"
    return Extras(metadata, labels, mean, std)


def _appended_files(data: bytes) -> dict[str, bytes]:
    """The small files of a zip behind the model; most models have none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist()[:_MAX_FILES] if info.file_size <= _MAX_FILE_BYTES]
            return {info.filename: archive.read(info) for info in infos}
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError, zlib.error):
        return {}


def _dictionary(name: str, content: bytes) -> dict[str, str]:
    """A metadata file that holds one dictionary, in JSON or as Python writes it (Ultralytics)."""
    if not name.endswith((".json", ".txt")) or b"{" not in content[:16]:
        return {}
    text = content.decode("utf-8", "replace")
    for read in (json.loads, ast.literal_eval):
        try:
            entries = read(text)
            return {str(key): str(value) for key, value in entries.items()} if isinstance(entries, dict) else {}
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return {}


def _about(model: Table) -> dict[str, str]:
    names = {0: "name", 1: "description", 2: "version", 4: "author", 5: "license"}
    return {name: model.text(index) for index, name in names.items()}


def _labels(model: Table, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """The first label file that the outputs name; one with a locale counts less.

    Ultralytics calls its dictionary of metadata a label file.
    """
    named = [file for graph in model.tables(3) for tensor in graph.tables(3) for file in tensor.tables(6)]
    for file in sorted(named, key=lambda file: bool(file.text(3))):
        content = files.get(file.text(0))
        if file.number(2, "b") in _LABEL_TYPES and content and not content.lstrip().startswith(b"{"):
            return tuple(line.strip() for line in content.decode("utf-8", "replace").rstrip().splitlines())
    return ()


def _normalization(model: Table) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """The first input's (mean, std), where a normalization is among its process units."""
    for graph in model.tables(3)[:1]:
        for tensor in graph.tables(2)[:1]:
            for unit in tensor.tables(4):
                options = unit.table(1)
                if unit.number(0, "B") == 1 and options is not None:
                    return _figures(options.array(0, "f4")), _figures(options.array(1, "f4"), above=0)
    return None, None


def _figures(values: NDArray[Any], above: float = -np.inf) -> tuple[float, ...] | None:
    """One number or one a channel; none where they are not, or cannot be, what they are said to be."""
    sound = len(values) in (1, 3) and bool(np.isfinite(values).all()) and float(values.min()) > above
    return tuple(map(float, values)) if sound else None
