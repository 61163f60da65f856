"""A bundle, `NAME.edge`: models, input contract, labels, decode settings and proof in one file.

A zip whose entries are stored, not deflated. Readers believe nothing: names, sizes, counts and hashes are checked
before a byte is used, and everything that is wrong is one line that names the file, the entry and the problem.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from .bundle_directory import MAX_ENTRY_BYTES, check_directory
from .errors import BundleError
from .files import write_bytes
from .manifest import Manifest
from .manifest_json import dump_manifest, parse_manifest

__all__ = ["MANIFEST", "SIGNATURE", "Bundle", "pack", "write_bundle"]

MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.sig"
MAX_MANIFEST_BYTES = 8 * 1024 * 1024

# what zipfile raises for damaged archives
_DAMAGE = (
    zipfile.BadZipFile,
    struct.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    OverflowError,
    zlib.error,
)


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A manifest and its entries; `path` is None for one that lives in memory, as a bare model file does."""

    manifest: Manifest
    path: Path | None = None
    memory: Mapping[str, bytes] = dataclasses.field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()  # what was assumed of a bare model file, in words for people

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Bundle:
        """Read and validate the manifest and the directory; entries are read and checked when asked for."""
        target = Path(path)
        try:
            if not stat.S_ISREG(target.stat().st_mode) and not target.is_dir():
                raise BundleError(f"{path}: is no file")
            with zipfile.ZipFile(target) as archive:
                check_directory(archive, target)
                manifest = parse_manifest(_stored(archive, MANIFEST, target, MAX_MANIFEST_BYTES), str(path))
                _check_listing(archive, manifest, target)
        except FileNotFoundError:
            raise BundleError(f"{path}: no such file") from None
        except IsADirectoryError:
            raise BundleError(f"{path}: is a folder, not a bundle") from None
        except OSError as error:
            raise BundleError(f"{path}: could not be read ({error.strerror or error})") from None
        except _DAMAGE as error:
            raise BundleError(f"{path}: is not a bundle or is damaged ({error})") from None
        return cls(manifest, target)

    def has(self, entry: str) -> bool:
        """Whether there is such an entry, listed or not."""
        if self.path is None:
            return entry in self.memory
        try:
            with zipfile.ZipFile(self.path) as archive:
                return entry in archive.namelist()
        except (OSError, *_DAMAGE) as error:
            raise BundleError(f"{self.path}: could not be read ({error})") from None

    def read(self, entry: str) -> bytes:
        """An entry's bytes, checked against the manifest's hash."""
        if self.path is None:
            return self.memory[entry]
        try:
            with zipfile.ZipFile(self.path) as archive:
                data = _stored(archive, entry, self.path, MAX_ENTRY_BYTES)
        except (OSError, *_DAMAGE) as error:
            raise BundleError(f"{self.path}: {entry}: could not be read ({error})") from None
        if entry != SIGNATURE and hashlib.sha256(data).hexdigest() != self.manifest.entries.get(entry):
            raise BundleError(f"{self.path}: {entry}: its sha256 is not the manifest's: damaged or tampered with")
        return data


def write_bundle(path: str | os.PathLike[str], manifest: Manifest, entries: Mapping[str, bytes]) -> Bundle:
    """Write a bundle in place of whatever was there, with the next content version."""
    target = Path(path)
    if target.suffix != ".edge":
        raise BundleError(f"{path}: a bundle's name ends in .edge")
    if target.exists():
        manifest = dataclasses.replace(manifest, content_version=_next_version(target, manifest))
    finished = complete(manifest, entries)
    write_bytes(target, pack(finished, entries))
    return Bundle.open(target)


def complete(manifest: Manifest, entries: Mapping[str, bytes]) -> Manifest:
    """The manifest with the sizes and hashes of its entries filled in."""
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(entries.items())}
    networks = {
        role: dataclasses.replace(
            network,
            files=tuple(
                dataclasses.replace(file, sha256=hashes[file.path], bytes=len(entries[file.path]))
                for file in network.files
            ),
        )
        for role, network in manifest.networks.items()
    }
    return dataclasses.replace(manifest, networks=networks, entries=hashes)


def pack(manifest: Manifest, entries: Mapping[str, bytes]) -> bytes:
    """The bundle's bytes; the same content gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in ((MANIFEST, dump_manifest(manifest)), *sorted(entries.items())):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def _next_version(target: Path, manifest: Manifest) -> int:
    try:
        return max(manifest.content_version, Bundle.open(target).manifest.content_version + 1)
    except BundleError:
        return manifest.content_version


def _check_listing(archive: zipfile.ZipFile, manifest: Manifest, path: Path) -> None:
    present = {info.filename for info in archive.infolist()} - {MANIFEST, SIGNATURE}
    unlisted = {name for name in present - set(manifest.entries) if not name.startswith("ext/")}
    missing = set(manifest.entries) - present
    for name in sorted(unlisted):
        raise BundleError(f"{path}: entry {name!r} is not listed in the manifest")
    for name in sorted(missing):
        raise BundleError(f"{path}: entry {name!r} is listed in the manifest and not there")


def _stored(archive: zipfile.ZipFile, entry: str, path: Path, most: int) -> bytes:
    try:
        info = archive.getinfo(entry)
    except KeyError:
        kind = ": not a bundle" if entry == MANIFEST else ""
        raise BundleError(f"{path}: has no entry {entry!r}{kind}") from None
    if info.file_size > most:
        raise BundleError(f"{path}: entry {entry!r} claims {info.file_size} bytes, at most {most} are allowed")
    return archive.read(entry)
