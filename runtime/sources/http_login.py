"""The Authorization header that a camera asks for, over HTTP or RTSP: Basic or Digest (RFC 7616)."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable
from itertools import pairwise

__all__ = ["authorization", "challenges"]

_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_QUOTED = re.compile(r'"[^"]*"')
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][\w-]*)(?!\s*=)(?=[\s,]|$)")  # not a field; of what is not between quotes


def challenges(headers: Iterable[str]) -> list[str]:
    """Every scheme that WWW-Authenticate headers offer with what it says, several in one header too; Digest first.

    Basic tells the password to whoever listens, and what a camera offers first need not be known here.
    """
    found: list[str] = []
    for header in headers:
        plain = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), header)
        starts = [match.start(1) for match in _SCHEME.finditer(plain)]
        found += [header[at:end].strip(" ,") for at, end in pairwise([*starts, len(header)])]
    return sorted(found, key=lambda challenge: not challenge.lower().startswith("digest"))


def authorization(
    challenge: str, user: str, password: str, target: str, *, method: str = "GET", count: int = 1
) -> str | None:
    """The answer to one of `challenges`, the `count`th to it; None where the scheme is unknown.

    Letters of headers stand for bytes (Latin-1): a camera reckons with those that it sent, and knows names in UTF-8.
    """
    user, password = (each.encode("utf-8", "surrogateescape").decode("latin-1") for each in (user, password))
    scheme = challenge.partition(" ")[0].lower()
    if scheme == "basic":
        return "Basic " + base64.b64encode(f"{user}:{password}".encode("latin-1")).decode()
    if scheme != "digest":
        return None
    fields = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(challenge)}
    algorithm = fields.get("algorithm", "MD5").upper()
    digest = _HASHES.get(algorithm.removesuffix("-SESS"))
    if digest is None:
        return None

    def hashed(*parts: str) -> str:
        return digest(":".join(parts).encode("latin-1")).hexdigest()

    nonce, nonce_count, client = fields.get("nonce", ""), f"{count:08x}", os.urandom(8).hex()
    secret = hashed(user, fields.get("realm", ""), password)
    if algorithm.endswith("-SESS"):
        secret = hashed(secret, nonce, client)
    asked = hashed(method, target)
    answer = {"username": user, "realm": fields.get("realm", ""), "nonce": nonce, "uri": target}
    unquoted = {"algorithm": fields["algorithm"]} if "algorithm" in fields else {}
    if "auth" in re.split(r"\s*,\s*", fields.get("qop", "")):
        answer |= {"cnonce": client, "response": hashed(secret, nonce, nonce_count, client, "auth", asked)}
        unquoted |= {"qop": "auth", "nc": nonce_count}
    else:
        answer["response"] = hashed(secret, nonce, asked)
    if "opaque" in fields:
        answer["opaque"] = fields["opaque"]
    quoted = [f'{name}="{value}"' for name, value in answer.items()]
    return "Digest " + ", ".join(quoted + [f"{name}={value}" for name, value in unquoted.items()])
