"""Whose bundles a device takes: its list of accepted keys, which grows unless it is to be replaced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgelens.runtime.bundle.signature import insist_on_keys
from edgelens.runtime.errors import UsageError
from edgelens.runtime.host.owned import read_own, write_own

__all__ = ["accept_keys", "keys_text"]


def keys_text(paths: Sequence[str]) -> str:
    """The public keys of some files, as lines."""
    lines: list[str] = []
    for path in paths:
        try:
            text = Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: could not be read as a public key ({error})") from None
        if "PRIVATE KEY" in text:
            raise UsageError(f"{path}: is a private key, which stays here; give the .pub file")
        lines += text.splitlines()
    return "".join(f"{line}\n" for line in lines)


def accept_keys(came: Path, listed: Path, *, only: bool) -> None:
    """Add the keys that came to the list, or let them be the list, without which nothing is taken from now on."""
    lines = came.read_text("utf-8").splitlines()
    before = [] if only or not listed.exists() else read_own(listed).decode("utf-8", "surrogateescape").splitlines()
    known = {_key(line) for line in before}
    kept = [*before, *(line for line in lines if _key(line) not in known)]
    write_own(listed, "".join(f"{line}\n" for line in kept).encode("utf-8", "surrogateescape"))
    insist_on_keys(listed)


def _key(line: str) -> str:
    """A plain key without its comment, which may change while the key is the same; a line of a signer as it is."""
    return " ".join(line.split()[:2]) if line.startswith(("ssh-", "ecdsa-", "sk-")) else line.strip()
