"""The kit itself as one more layer: what a device runs of it, packed from wherever it is installed here."""

from __future__ import annotations

import hashlib
import io
import zipfile
from importlib import resources
from typing import TYPE_CHECKING

from edgelens.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

__all__ = ["pack_kit"]

_PARTS = {"edgelens": "edgelens", "edgelens.runtime": "edgelens/runtime", "edgelens.devices": "edgelens/devices"}
_OTHER_FOLDERS = ("train", "compress", "runtime", "devices", "__pycache__")


def pack_kit() -> tuple[str, bytes, str]:
    """Name, bytes and sha256 of the kit without what only a workstation runs; the same kit gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for package, place in _PARTS.items():
            skip = _OTHER_FOLDERS if package == "edgelens" else ("__pycache__",)
            for name, entry in sorted(_files(resources.files(package), skip)):
                info = zipfile.ZipInfo(f"{place}/{name}", (1980, 1, 1, 0, 0, 0))
                archive.writestr(info, entry.read_bytes(), zipfile.ZIP_DEFLATED)
    data = buffer.getvalue()
    return f"edgelens-{__version__}.zip", data, hashlib.sha256(data).hexdigest()


def _files(folder: Traversable, skip: tuple[str, ...], prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name not in skip:
                yield from _files(entry, ("__pycache__",), f"{prefix}{entry.name}/")
        elif not entry.name.endswith((".pyc", ".partial")):
            yield f"{prefix}{entry.name}", entry
