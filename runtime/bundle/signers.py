"""A list of accepted keys, put into the form that ssh-keygen reads, and who might have signed by it."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Signers", "candidates", "parse_signers"]

_TYPE = rb"(?:sk-)?(?:ssh|ecdsa)-[A-Za-z0-9@.-]+"
_PLAIN = re.compile(rb"(" + _TYPE + rb")[ \t]+([A-Za-z0-9+/]+=*)(?=[ \t]|$)")
_SOMEWHERE = re.compile(rb"(?:^|[ \t])(" + _TYPE + rb")[ \t]+([A-Za-z0-9+/]+=*)(?=[ \t]|$)")
_BLANK = b" \t\r\n"


@dataclass(frozen=True)
class Signers:
    """The list as an allowed_signers file, and the keys it revokes."""

    allowed: bytes
    revoked: bytes = b""
    revoked_file: str | None = None  # beside the list, of ssh-keygen's own forms


def parse_signers(text: bytes, namespace: str, plain: str) -> Signers:
    """The list of a device; plain public keys get the principal `plain` and this namespace alone."""
    allowed, revoked = [], []
    for whole in text.split(b"\n"):
        line = whole.partition(b"\0")[0].strip(_BLANK)
        if line.startswith(b"@revoked"):
            revoked.append(_revoked(line))
        elif found := _PLAIN.match(line):
            allowed.append(b'%b namespaces="%b" %b %b' % (plain.encode(), namespace.encode(), *found.groups()))
        else:
            allowed.append(whole)
    return Signers(_lines(allowed), _lines(revoked))


def candidates(signers: Signers, signature: bytes) -> Iterator[str]:
    """Every principal that the list names or the signer's certificate carries, those on the signer's lines first."""
    key, certified = _signing_key(signature)
    whole = (line.lstrip(_BLANK) for line in signers.allowed.split(b"\n"))
    lines = [(_principals(line), line) for line in whole if line and not line.startswith(b"#")]
    blobs = [base64.b64encode(blob) for blob in key]
    lines.sort(key=lambda each: not any(blob in each[1] for blob in blobs))
    yield from dict.fromkeys([*certified, *(name for names, _ in lines for name in names)])


def _lines(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _revoked(line: bytes) -> bytes:
    match = _SOMEWHERE.search(line)
    return b" ".join(match.groups()) if match else b"unreadable"  # which makes ssh-keygen refuse everything


def _principals(line: bytes) -> list[str]:
    """The names in a line's first word; one that reads like an option or a marker stands for nobody."""
    word = _first_word(line)
    if word is None or b"=" in word or word.startswith(b"@") or word.lower() == b"cert-authority":
        return []
    names = (name.decode("utf-8", "surrogateescape") for name in word.split(b",") if b"\0" not in name)
    return [name for name in names if name and not name.startswith("!")]


def _first_word(line: bytes) -> bytes | None:
    """As OpenSSH takes words apart: up to a blank, or with what stands in quotes."""
    end = re.search(rb'[ \t\r\n"]', line)
    if end is None:
        return None
    if end[0] != b'"':
        return line[: end.start()]
    closing = line.find(b'"', end.end())
    return None if closing < 0 else line[: end.start()] + line[end.end() : closing]


def _signing_key(signature: bytes) -> tuple[list[bytes], list[str]]:
    """The signer's public key and, of a certificate, its authority's key and its principals; nothing of what is odd."""
    try:
        body = b"".join(line for line in signature.splitlines() if not line.startswith(b"-----"))
        blob = base64.b64decode(body, validate=True)
        if blob[:6] != b"SSHSIG":
            return [], []
        key = _Fields(blob[10:]).text()
        fields = _Fields(key)
        kind = fields.text()
        if b"-cert-v01@openssh.com" not in kind:
            return [key], []
        fields.text()  # nonce
        for _ in range(_KEY_FIELDS.get(kind.partition(b"-cert-")[0], 1)):
            fields.text()
        fields.skip(12)  # serial number, type
        fields.text()  # the certificate's name
        names = list(_Fields(fields.text()).all())
        fields.skip(16)  # from when to when
        fields.text(), fields.text(), fields.text()  # critical options, extensions, reserved
        return [fields.text()], [name.decode("utf-8", "surrogateescape") for name in names if b"\0" not in name]
    except (ValueError, binascii.Error, struct.error):
        return [], []


_KEY_FIELDS = {b"ssh-rsa": 2, b"ssh-dss": 4, b"ecdsa-sha2-nistp256": 2, b"ecdsa-sha2-nistp384": 2,
               b"ecdsa-sha2-nistp521": 2, b"sk-ssh-ed25519": 2, b"sk-ecdsa-sha2-nistp256": 3}  # fmt: skip


class _Fields:
    """OpenSSH's wire form: a length, then so many bytes."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def text(self) -> bytes:
        (length,) = struct.unpack_from(">I", self._data, self._at)
        self.skip(4 + length)
        return self._data[self._at - length : self._at]

    def skip(self, size: int) -> None:
        self._at += size
        if self._at > len(self._data):
            raise ValueError("cut off")

    def all(self) -> Iterator[bytes]:
        while self._at < len(self._data):
            yield self.text()
