"""Whose bundle this is: SSH signatures over the manifest, which lists every other entry's hash."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import BundleError, WorkError
from .bundle import Bundle
from .manifest import MANIFEST, SIGNATURE

__all__ = ["NAMESPACE", "accepted_keys_file", "check_signature", "read_keys"]

NAMESPACE = "edgelens-bundle"
_SIGNER = "edgelens"
_KEY = re.compile(r"^(?:.*\s)?((?:ssh|sk-ssh|ecdsa|sk-ecdsa)-[A-Za-z0-9@.-]+)\s+([A-Za-z0-9+/=]+)")


def accepted_keys_file() -> Path:
    """The device's list of keys whose bundles it takes; where there is none, it takes every bundle."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "edgelens" / "accepted_keys"


def read_keys(path: Path) -> tuple[str, ...] | None:
    """The public keys of a list in authorized_keys form, None where there is no list; an empty list takes nothing."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise WorkError(f"{path}: the list of accepted keys cannot be read ({error}): nothing is accepted") from None
    found = (_KEY.match(line.strip()) for line in text.splitlines() if not line.startswith("#"))
    return tuple(f"{match[1]} {match[2]}" for match in found if match)


def check_signature(bundle: Bundle, keys: Sequence[str]) -> None:
    """Refuse a bundle that none of the keys signed."""
    path = bundle.path
    if path is None:
        raise BundleError(f"{bundle.manifest.name}: a bare model file carries no signature; this device wants one")
    with zipfile.ZipFile(path) as archive:
        if SIGNATURE not in archive.namelist():
            raise BundleError(f"{path}: is not signed, and this device takes only bundles of its accepted keys")
        if archive.getinfo(SIGNATURE).file_size > 1 << 16:
            raise BundleError(f"{path}: its signature is too large to be one")
        manifest, signature = archive.read(MANIFEST), archive.read(SIGNATURE)
    if not keys:
        raise BundleError(f"{path}: this device's list of accepted keys is empty: it takes no bundle")
    with tempfile.TemporaryDirectory() as folder:
        allowed, proof = Path(folder) / "allowed", Path(folder) / "sig"
        allowed.write_text("".join(f'{_SIGNER} namespaces="{NAMESPACE}" {key}\n' for key in keys))
        proof.write_bytes(signature)
        if not _verified(manifest, allowed, proof):
            raise BundleError(f"{path}: its signature is none of this device's accepted keys', or it was tampered with")


def _verified(manifest: bytes, allowed: Path, proof: Path) -> bool:
    command = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", _SIGNER, "-n", NAMESPACE, "-s", str(proof)]
    try:
        return subprocess.run(command, input=manifest, capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        raise WorkError("signatures cannot be checked here: install openssh-client (ssh-keygen 8.2 or newer)") from None
