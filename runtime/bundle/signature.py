"""Whose bundle this is: SSH signatures over the manifest, which lists every other entry's hash.

A device's list of accepted keys is an allowed_signers file, and OpenSSH itself judges by it: principals, namespaces,
`cert-authority`, `valid-after` and `valid-before` mean what they mean to `ssh-keygen -Y verify`. Beside that, a line
may be a plain public key, as `deploy --accept-key` brings it, and `@revoked KEY` revokes one, as the file
`revoked_keys` beside the list does (ssh-keygen's -r). What is not understood accepts nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BundleError, EdgelensError, WorkError
from ..host.owned import read_own, write_own
from ..host.places import data_folder
from .bundle import Bundle
from .manifest import MANIFEST, SIGNATURE

if TYPE_CHECKING:
    from .signers import Signers

__all__ = [
    "NAMESPACE",
    "accepted_keys_file",
    "accepts",
    "check_accepted",
    "check_bare_accepted",
    "check_signature",
    "insist_on_keys",
    "insists",
    "read_keys",
    "signers_of",
]

NAMESPACE = "edgelens-bundle"
_PLAIN_PRINCIPAL = "edgelens"
_MOST_LIST_BYTES = 1 << 20
_MOST_SIGNATURE_BYTES = 1 << 16
_MOST_PRINCIPALS = 64  # asked about
_BUILTIN = Path(__file__).resolve().parents[1] / "builtin"


def accepted_keys_file() -> Path:
    """The device's list of keys whose bundles it takes; where there never was one, it takes every bundle."""
    return data_folder() / "accepted_keys"


def insists(path: Path) -> bool:
    """Whether there must be a list: one that is gone accepts nothing, instead of everything."""
    return _insisted(path).exists()


def insist_on_keys(path: Path) -> None:
    """From now on there must be a list."""
    if not insists(path):
        write_own(_insisted(path), b"this device takes only bundles of accepted_keys; without that list, none\n")


def read_keys(path: Path) -> Signers | None:
    """The list of accepted keys; None where there never was one."""
    try:
        return signers_of(read_own(path, _MOST_LIST_BYTES), path)
    except FileNotFoundError:
        if insists(path):
            raise WorkError(
                f"{path}: the list of accepted keys is gone: nothing is accepted until `deploy --accept-key` brings one"
            ) from None
        return None
    except (OSError, EdgelensError) as error:
        raise WorkError(f"{path}: the list of accepted keys cannot be read ({error}): nothing is accepted") from None


def signers_of(text: bytes, path: Path) -> Signers:
    """Whose bundles a list of this text at `path` accepts."""
    from .signers import parse_signers  # few devices have a list, and a camera's start is short

    revoked = path.with_name("revoked_keys")
    signers = parse_signers(text, NAMESPACE, _PLAIN_PRINCIPAL)
    return dataclasses.replace(signers, revoked_file=str(revoked) if revoked.exists() else None)


def check_accepted(bundle: Bundle) -> None:
    """Refuse a bundle that this device does not take; what comes with the kit is the kit's."""
    if bundle.path is not None and bundle.path.resolve().parent == _BUILTIN:
        return
    listed = accepted_keys_file()
    keys = read_keys(listed)
    if keys is not None:
        with contextlib.suppress(OSError, EdgelensError):  # a service may write its state alone
            insist_on_keys(listed)
        check_signature(bundle, keys)


def check_bare_accepted(name: str) -> None:
    """Refuse a bare model file where this device takes only signed bundles."""
    if read_keys(accepted_keys_file()) is not None:
        raise _unsigned(name)


def _unsigned(name: str) -> BundleError:
    return BundleError(f"{name}: a bare model file carries no signature; this device wants one")


def check_signature(bundle: Bundle, keys: Signers) -> None:
    """Refuse a bundle that nobody on the list signed."""
    from .archive import entry_names, read_entry, read_manifest

    path = bundle.path
    if path is None:
        raise _unsigned(bundle.manifest.name)
    if SIGNATURE not in entry_names(path):
        raise BundleError(f"{path}: is not signed, and this device takes only bundles of its accepted keys")
    manifest, signature = read_entry(path, MANIFEST), read_entry(path, SIGNATURE)
    if len(signature) > _MOST_SIGNATURE_BYTES:
        raise BundleError(f"{path}: its signature is too large to be one")
    if read_manifest(path).entries != bundle.manifest.entries:
        raise BundleError(f"{path}: was exchanged while it was opened: open it again")
    if not keys.allowed.strip():
        raise BundleError(f"{path}: this device's list of accepted keys is empty: it takes no bundle")
    if not accepts(manifest, signature, keys):
        raise BundleError(f"{path}: its signature is none of this device's accepted keys', or it was tampered with")


def accepts(manifest: bytes, signature: bytes, keys: Signers) -> bool:
    """Whether somebody on the list signed this, as `ssh-keygen -Y verify` judges it for each whom the list names."""
    import tempfile

    from .signers import candidates

    with tempfile.TemporaryDirectory() as folder:
        proof, allowed, revoked = (Path(folder) / name for name in ("sig", "allowed", "revoked"))
        proof.write_bytes(signature)
        allowed.write_bytes(keys.allowed)
        revoked.write_bytes(keys.revoked)
        lists = [*([str(revoked)] if keys.revoked else []), *([keys.revoked_file] if keys.revoked_file else [])]
        asked = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-n", NAMESPACE, "-s", str(proof)]
        return any(
            all(_verified([*asked, "-I", name, *more], manifest) for more in ([["-r", each] for each in lists] or [[]]))
            for name in itertools.islice(candidates(keys, signature), _MOST_PRINCIPALS)
        )


def _verified(command: list[str], manifest: bytes) -> bool:
    import subprocess

    try:
        return subprocess.run(command, input=manifest, capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        raise WorkError("signatures cannot be checked here: install openssh-client (ssh-keygen 8.2 or newer)") from None


def _insisted(path: Path) -> Path:
    return path.with_name("accepted_keys_only")
