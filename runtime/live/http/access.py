"""Who may ask: the token, the names this server answers to, and patience with wrong guesses."""

from __future__ import annotations

import functools
import hashlib
import hmac
import ipaddress
import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import UsageError, WorkError
from ...host.owned import create_own, read_secret
from ...host.places import config_folder

__all__ = ["Access", "choose_access", "is_loopback", "read_token"]

MIN_TOKEN = 16


@dataclass(frozen=True)
class Access:
    """The rules of one server; without a token everybody who reaches it may ask."""

    token: str | None = None
    names: frozenset[str] = field(default_factory=lambda: frozenset({"localhost"}))  # accepted beside IP addresses
    loopback_only: bool = True
    token_file: Path | None = None  # where the token is kept, for `edgelens status`

    def fits(self, offered: str) -> bool:
        """Whether a token is the right one, in a time that does not tell how much of it was."""
        return self.token is None or hmac.compare_digest(_digest(offered), _digest(self.token))

    def fits_cookie(self, offered: str) -> bool:
        """Whether a cookie's value is the one this token gives."""
        return self.token is None or hmac.compare_digest(offered.encode(), self.cookie.encode())

    @property
    def cookie(self) -> str:
        """What a browser keeps instead of the token."""
        return hmac.new((self.token or "").encode(), b"edgelens cookie", hashlib.sha256).hexdigest()

    def answers_to(self, host: str) -> bool:
        """Whether a Host header names this server; a foreign name that resolves here (DNS rebinding) does not."""
        name = host_name(host)
        address = _address(name)
        if address is None:
            return name in self.names
        return address.is_loopback or not self.loopback_only


def choose_access(
    host: str, *, token_file: Path | None = None, insecure: bool = False, made_at: Path | None = None
) -> Access:
    """The rules for listening on a host: open on loopback, behind a token elsewhere unless said otherwise.

    The token is the file's, else EDGELENS_TOKEN, else (elsewhere than loopback) one made now and kept at `made_at`.
    """
    loopback = is_loopback(host)
    token = None if insecure else read_token(token_file)
    if token is None and not insecure and not loopback:
        token_file = made_at or default_token_path()
        token = _kept_token(token_file)
    kept = token_file.absolute() if token is not None and token_file else None
    return Access(token=token, names=_own_names(host, loopback), loopback_only=loopback, token_file=kept)


def read_token(token_file: Path | None) -> str | None:
    """The token of a file that only its owner can read, else of EDGELENS_TOKEN."""
    if token_file is None:
        token, where = os.environ.get("EDGELENS_TOKEN"), "EDGELENS_TOKEN"
        if not token:
            return None
    else:
        where = f"--token-file {token_file}"
        try:
            token = read_secret(token_file).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{where}: could not be read ({error})") from None
        except WorkError as error:
            raise UsageError(f"--token-file {error}") from None
    if len(token) < MIN_TOKEN or not token.isascii() or not token.isprintable():
        raise UsageError(f"{where}: a token has at least {MIN_TOKEN} printable ASCII characters")
    return token


def default_token_path() -> Path:
    """Where a token made by the kit is kept."""
    return config_folder() / "token"


def is_loopback(host: str) -> bool:
    """Whether listening on this host is seen by this machine alone."""
    address = _address(host)
    return address.is_loopback if address is not None else host == "localhost"


def host_name(host: str) -> str:
    """A Host header without its port, lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


@functools.lru_cache(maxsize=64)  # every request names one, nearly always the same
def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _kept_token(path: Path) -> str:
    if not path.is_file():
        try:
            create_own(path, f"{secrets.token_urlsafe(24)}\n".encode())
        except OSError as error:
            raise UsageError(f"{path.parent}: no place for the token ({error.strerror}); give --token-file") from None
        except WorkError as error:
            raise UsageError(f"no place for the token: {error}; or give --token-file") from None
    kept = read_token(path)  # another start may have made it meanwhile: one is everybody's
    assert kept is not None
    return kept


def _own_names(host: str, loopback: bool) -> frozenset[str]:
    more = (host_name(name.strip()) for name in os.environ.get("EDGELENS_HOSTS", "").split(","))
    names = {"localhost", *filter(None, more)}
    if not loopback:
        name = socket.gethostname().lower()
        names |= {name, name.partition(".")[0], f"{name.partition('.')[0]}.local", host_name(host)}
    return frozenset(names)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
