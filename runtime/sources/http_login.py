"""The Authorization header that a camera asks for, over HTTP or RTSP: Basic or Digest (RFC 7616)."""

from __future__ import annotations

import base64
import hashlib
import os
import re

__all__ = ["authorization"]

_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


def authorization(
    challenge: str, user: str, password: str, target: str, *, method: str = "GET", count: int = 1
) -> str | None:
    """The answer to a 401's WWW-Authenticate header, the `count`th to it; None where the scheme is unknown."""
    scheme = challenge.partition(" ")[0].lower()
    if scheme == "basic":
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    if scheme != "digest":
        return None
    fields = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(challenge)}
    algorithm = fields.get("algorithm", "MD5").upper()
    digest = _HASHES.get(algorithm.removesuffix("-SESS"))
    if digest is None:
        return None

    def hashed(*parts: str) -> str:
        return digest(":".join(parts).encode()).hexdigest()

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
