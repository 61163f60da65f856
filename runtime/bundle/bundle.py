"""A bundle, `NAME.edge`: models, input contract, labels, decode settings and proof in one file.

A zip whose entries are stored, not deflated. Readers believe nothing: names, sizes, counts and hashes are checked
before a byte is used, and everything that is wrong is one line that names the file, the entry and the problem. The
zip is `archive.py`'s, imported when there is one: a bare model file starts sooner without it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import BundleError, UsageError
from .manifest import MANIFEST, SIGNATURE, Manifest, ModelFile, Step

__all__ = ["Bundle", "one_network", "pack", "write_bundle"]


@dataclasses.dataclass(frozen=True, repr=False)
class Bundle:
    """A manifest and its entries; `path` is None for one that lives in memory, as a bare model file does."""

    manifest: Manifest
    path: Path | None = None
    memory: Mapping[str, bytes] = dataclasses.field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()  # what was assumed of a bare model file, in words for people

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Bundle:
        """Read and validate the manifest and the directory; entries are read and checked when asked for."""
        from .archive import read_manifest

        return cls(read_manifest(path), Path(path))

    def __repr__(self) -> str:
        manifest = self.manifest
        tasks = " + ".join(network.task for network in manifest.networks.values())
        return f"<Bundle {manifest.name} {manifest.content_version}: {tasks}, {len(manifest.labels)} labels>"

    def has(self, entry: str) -> bool:
        """Whether there is such an entry, listed or not."""
        if self.path is None:
            return entry in self.memory
        from .archive import entry_names

        return entry in entry_names(self.path)

    def read(self, entry: str) -> bytes:
        """An entry's bytes, checked against the manifest's hash."""
        if self.path is None:
            return self.memory[entry]
        from .archive import read_entry

        data = read_entry(self.path, entry)
        if entry != SIGNATURE and hashlib.sha256(data).hexdigest() != self.manifest.entries.get(entry):
            raise BundleError(f"{self.path}: {entry}: its sha256 is not the manifest's: damaged or tampered with")
        return data


def one_network(bundle: Bundle, role: str | None = None, file: ModelFile | None = None) -> Bundle:
    """The bundle as if it held this network alone (the last step's unless said), and of its files this one."""
    manifest = bundle.manifest
    role = manifest.steps[-1].network if role is None else role
    if role not in manifest.networks:
        raise UsageError(f"--network {role}: {manifest.name} has {', '.join(manifest.networks)}")
    network = manifest.networks[role]
    if file is not None:
        network = dataclasses.replace(network, files=(file,), preferred=file.path)
    golden = tuple(each for each in manifest.golden if each.network == role)
    alone = dataclasses.replace(manifest, networks={role: network}, steps=(Step(network=role),), golden=golden)
    return dataclasses.replace(bundle, manifest=alone)


def write_bundle(
    path: str | os.PathLike[str],
    manifest: Manifest,
    entries: Mapping[str, bytes],
    *,
    beside: Mapping[str, bytes] | None = None,
) -> Bundle:
    """Write a bundle in place of whatever was there, with the next content version; files `beside` it, or nothing."""
    from ..host.files import write_together
    from .manifest_json import dump_manifest, parse_manifest

    target = Path(path)
    if target.suffix != ".edge":
        raise BundleError(f"{path}: a bundle's name ends in .edge")
    if target.exists():
        manifest = dataclasses.replace(manifest, content_version=_next_version(target, manifest))
    finished = complete(manifest, entries)
    parse_manifest(dump_manifest(finished), str(target))  # nothing is written that would be refused when it is read
    write_together([*(beside or {}).items(), (target, pack(finished, entries))], named=True)
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
    import io
    import zipfile

    from .manifest_json import dump_manifest

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
