"""Whose bundles a device takes: its list of accepted keys, which grows unless it is to be replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.signature import check_signature, insist_on_keys, insists, signers_of
from edgelens.runtime.errors import UsageError
from edgelens.runtime.host.owned import read_own, write_own

__all__ = ["KeyChange", "keys_text"]


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


@dataclass(frozen=True)
class KeyChange:
    """The list of accepted keys as it was and as it is to be once a bundle that it accepts is the current one."""

    listed: str = ""
    before: str | None = None  # None: every bundle is taken
    after: str | None = None  # None: nothing changes

    @classmethod
    def of(cls, came: Path, listed: Path, *, only: bool) -> KeyChange:
        """Keys that came are added to the list, or are the list, without which nothing is taken from then on."""
        before = "" if insists(listed) else None
        if listed.exists():
            before = read_own(listed).decode("utf-8", "surrogateescape")
        new = came.read_text("utf-8")
        return cls(str(listed), before, _merged("" if only else before or "", new))

    @contextlib.contextmanager
    def begun(self) -> Iterator[None]:
        """Take the bundles of both lists meanwhile, so that a start finds its own accepted; an error ends that."""
        if self.before is not None and self.after is not None:
            self._write(_merged(self.before, self.after))
        try:
            yield
        except BaseException:
            self.undo()
            raise

    def check(self, bundle: Bundle) -> None:
        """Refuse a bundle that the list as it is to be does not accept."""
        if self.after is not None:
            check_signature(bundle, signers_of(_bytes(self.after), Path(self.listed)))

    def finish(self) -> None:
        """The list is as it is to be."""
        if self.after is not None:
            self._write(self.after)
            insist_on_keys(Path(self.listed))

    def undo(self) -> None:
        """The list is as it was."""
        if self.before is not None:
            self._write(self.before)

    def _write(self, text: str) -> None:
        write_own(Path(self.listed), _bytes(text))


def _merged(before: str, came: str) -> str:
    lines = before.splitlines()
    known = {_key(line) for line in lines}
    return "".join(f"{line}\n" for line in [*lines, *(line for line in came.splitlines() if _key(line) not in known)])


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _key(line: str) -> str:
    """A plain key without its comment, which may change while the key is the same; a line of a signer as it is."""
    return " ".join(line.split()[:2]) if line.startswith(("ssh-", "ecdsa-", "sk-")) else line.strip()
