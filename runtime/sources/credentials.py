"""User and password of a source: taken from its address or the environment, shown nowhere."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from ..errors import UsageError

__all__ = ["Address", "masked", "masked_text", "parse_address"]

USER_VARIABLE, PASSWORD_VARIABLE = "EDGELENS_SOURCE_USER", "EDGELENS_SOURCE_PASSWORD"

_SECRET_KEYS = re.compile(r"user|usr|login|pass|pwd|psw|token|key|auth|secret|sig|session|sid", re.IGNORECASE)
# a password may hold / ? and # as it was typed; a number behind the colon is a port, though
_LOGIN = r"[^/?#\s]*@|[^/?#\s:@]*:(?!\d{1,5}(?:[/?#]|$))\S*@"
_USERINFO = re.compile(rf"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<login>{_LOGIN})", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Address:
    """A URL without its user and password, which stand beside it and are not printed."""

    url: str
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Address({masked(self.url)!r})"

    @property
    def with_login(self) -> str:
        """The URL as programs that take everything in one string want it."""
        if not self.user and not self.password:
            return self.url
        parts = urlsplit(self.url)
        login = quote(self.user, safe="") + (f":{quote(self.password, safe='')}" if self.password else "")
        return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))


def parse_address(spec: str) -> Address:
    """The address behind a URL: `${NAME}` is filled in, and a missing login is taken from the environment."""
    parts = urlsplit(_encoded(_filled(spec)))
    try:
        _ = parts.port
    except ValueError:
        raise UsageError(f"{masked(spec)}: the port must be a number") from None
    if not parts.hostname:
        raise UsageError(f"{masked(spec)}: has no host")
    userinfo, at, host = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    if not at:
        user, password = os.environ.get(USER_VARIABLE, ""), os.environ.get(PASSWORD_VARIABLE, "")
        return Address(urlunsplit(parts), user, password)
    return Address(urlunsplit(parts._replace(netloc=host)), unquote(user), unquote(password))


def masked(spec: str) -> str:
    """A source as people may see it: no user, no password, no secret in the query."""
    if "://" not in spec:
        return spec
    text = _USERINFO.sub(r"\g<scheme>", spec)
    base, question, query = text.partition("?")
    if not question:
        return text
    shown = [
        f"{key}=***" if _SECRET_KEYS.search(key) else f"{key}={value}"
        for key, value in parse_qsl(query, keep_blank_values=True)
    ]
    return f"{base}?{'&'.join(shown)}" if shown else base


def masked_text(text: str) -> str:
    """A message of another program with every URL's login taken out."""
    return _USERINFO.sub(r"\g<scheme>", text)


def _encoded(url: str) -> str:
    """The URL with a password that parts of a URL can be told from."""
    return _USERINFO.sub(lambda match: match["scheme"] + quote(match["login"], safe="%:@"), url, count=1)


def _filled(spec: str) -> str:
    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise UsageError(f"{masked(spec)}: the environment has no variable {match[1]}")
        return quote(found, safe="")

    return _VARIABLE.sub(value, spec)
