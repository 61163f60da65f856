"""The zip that a bundle is: opened, checked and read, every kind of damage one line that names the file."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..errors import BundleError
from .directory import MAX_ENTRY_BYTES, check_directory
from .manifest import MANIFEST, SIGNATURE, Manifest
from .manifest_json import parse_manifest

__all__ = ["entry_names", "read_entry", "read_manifest"]

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


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """The validated manifest, the directory and the list of entries checked too."""
    if Path(path).suffix.lower() != ".edge":
        _refuse_other(Path(path))
    with _opened(path) as archive:
        check_directory(archive, Path(path))
        manifest = parse_manifest(_stored(archive, MANIFEST, path, MAX_MANIFEST_BYTES), str(path))
        _check_listing(archive, manifest, path)
    return manifest


def read_entry(path: str | os.PathLike[str], entry: str) -> bytes:
    """An entry's bytes; their hash is the caller's to check."""
    with _opened(path) as archive:
        return _stored(archive, entry, path, MAX_ENTRY_BYTES)


def entry_names(path: str | os.PathLike[str]) -> frozenset[str]:
    """The names of all entries."""
    with _opened(path) as archive:
        return frozenset(archive.namelist())


def _refuse_other(path: Path) -> None:
    """Of what others run, say what it is and how it becomes a bundle, whatever a zip's reader would make of it."""
    from ..formats.other_formats import way_from

    with contextlib.suppress(OSError):
        if path.exists() and (way := way_from(path)):
            raise BundleError(f"{path}: {way}")


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[zipfile.ZipFile]:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise BundleError(f"{path}: is no file")
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError:
        raise BundleError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise BundleError(f"{path}: is a folder, not a bundle") from None
    except OSError as error:
        raise BundleError(f"{path}: could not be read ({error.strerror or error})") from None
    except _DAMAGE as error:
        raise BundleError(f"{path}: is not a bundle or is damaged ({error})") from None


def _check_listing(archive: zipfile.ZipFile, manifest: Manifest, path: str | os.PathLike[str]) -> None:
    present = {info.filename for info in archive.infolist()} - {MANIFEST, SIGNATURE}
    unlisted = {name for name in present - set(manifest.entries) if not name.startswith("ext/")}
    missing = set(manifest.entries) - present
    for name in sorted(unlisted):
        raise BundleError(f"{path}: entry {name!r} is not listed in the manifest")
    for name in sorted(missing):
        raise BundleError(f"{path}: entry {name!r} is listed in the manifest and not there")


def _stored(archive: zipfile.ZipFile, entry: str, path: str | os.PathLike[str], most: int) -> bytes:
    try:
        info = archive.getinfo(entry)
    except KeyError:
        kind = ": not a bundle" if entry == MANIFEST else ""
        raise BundleError(f"{path}: has no entry {entry!r}{kind}") from None
    if info.file_size > most:
        raise BundleError(f"{path}: entry {entry!r} claims {info.file_size} bytes, at most {most} are allowed")
    return archive.read(entry)
