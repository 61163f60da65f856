"""Files from their home, checked by sha256 before they take their place."""

from __future__ import annotations

import hashlib
import http.client
import tarfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from edgelens.runtime.errors import DataError
from edgelens.runtime.host.files import replacing

__all__ = ["Remote", "fetch", "unpack_flat"]

_TIMEOUT_S = 20
_MAX_BYTES = 512 * 1024 * 1024
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Remote:
    """A file's address and the hash it must have."""

    url: str
    sha256: str

    @property
    def name(self) -> str:
        """The last part of its address."""
        return self.url.rsplit("/", 1)[1]


def fetch(remote: Remote, target: Path) -> None:
    """Download a file unless it is there; a wrong hash is an error and leaves nothing."""
    if target.exists():
        return
    digest, taken = hashlib.sha256(), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(remote.url, timeout=_TIMEOUT_S) as answer, replacing(target) as stream:  # noqa: S310
            while chunk := _received(answer, remote):
                taken += len(chunk)
                if taken > _MAX_BYTES:
                    raise DataError(f"{remote.url} is larger than {_MAX_BYTES >> 20} MiB")
                digest.update(chunk)
                stream.write(chunk)
            if digest.hexdigest() != remote.sha256:
                raise DataError(f"what {remote.url} sent has the sha256 {digest.hexdigest()[:12]}…, not the known one")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _failed(remote, error) from None


def _received(answer: http.client.HTTPResponse, remote: Remote) -> bytes:
    """The next bytes; a connection that breaks is told from a disk that fails."""
    try:
        return answer.read(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _failed(remote, error) from None


def _failed(remote: Remote, error: Exception) -> DataError:
    return DataError(f"{remote.url} could not be downloaded ({getattr(error, 'reason', None) or error})")


def unpack_flat(archive: Path, folder: Path, suffixes: tuple[str, ...]) -> None:
    """The regular files with some endings, without the archive's folders."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = Path(member.name).name
                source = tar.extractfile(member) if member.isreg() and name.endswith(suffixes) else None
                if source is not None:
                    with source, replacing(folder / name) as stream:
                        while chunk := source.read(_CHUNK):
                            stream.write(chunk)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{archive} could not be unpacked ({error})") from None
