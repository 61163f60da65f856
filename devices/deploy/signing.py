"""Signing a bundle with a person's own SSH key."""

from __future__ import annotations

import io
import subprocess
import tempfile
import zipfile
from pathlib import Path

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.manifest import MANIFEST, SIGNATURE
from edgelens.runtime.bundle.signature import NAMESPACE
from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.host.files import write_bytes

__all__ = ["sign_bundle"]


def sign_bundle(path: str, key: str) -> None:
    """Put a signature of the manifest into the bundle, in place of one that was there; nothing else changes."""
    bundle = Bundle.open(path)
    for entry in bundle.manifest.entries:
        bundle.read(entry)  # nobody signs what is damaged
    if not Path(key).is_file():
        raise UsageError(f"{key}: no such key; `ssh-keygen -t ed25519` makes one, or give your agent's .pub file")
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if info.filename != SIGNATURE]
        entries = [(info, archive.read(info)) for info in infos]
    signature = _signed(next(data for info, data in entries if info.filename == MANIFEST), key)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for info, data in entries:
            archive.writestr(info, data)
            if info.filename == MANIFEST:
                extra = zipfile.ZipInfo(SIGNATURE, (1980, 1, 1, 0, 0, 0))
                extra.external_attr = info.external_attr
                archive.writestr(extra, signature)
    write_bytes(path, buffer.getvalue(), named=True)


def _signed(manifest: bytes, key: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / MANIFEST
        target.write_bytes(manifest)
        command = ["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", NAMESPACE, str(target)]
        try:
            done = subprocess.run(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False)
        except OSError:
            raise WorkError("ssh-keygen could not be started: install openssh-client") from None
        proof = target.with_name(f"{MANIFEST}.sig")
        if done.returncode or not proof.exists():
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise WorkError(f"{key}: could not sign: {said[:200]}")
        return proof.read_bytes()
