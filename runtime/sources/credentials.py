"""User and password of a source: taken from its address or the environment, shown nowhere."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from ..errors import UsageError

__all__ = ["Address", "masked", "parse_address", "shown"]

USER_VARIABLE, PASSWORD_VARIABLE = "EDGELENS_SOURCE_USER", "EDGELENS_SOURCE_PASSWORD"

_SECRETS = "user|usr|login|pass|pwd|psw|token|key|auth|secret|sig|session|sid"
# in a query, or as DVRs have it in the path: /user=admin_password=…_channel=1; to where the next name begins
_SECRET = re.compile(
    rf"(?P<name>[a-z]*(?:{_SECRETS})[a-z]*=)(?P<value>.*?)(?=[_&;/?,]+[a-z][a-z0-9]*=|$)", re.IGNORECASE | re.DOTALL
)
# a password may hold / ? # and blanks as it was typed; a number behind the colon is a port, though
_LOGIN = r"[^/?#]*@|[^/?#:@]*:(?!\d{1,5}(?:[/?#]|$)).*@"
_USERINFO = re.compile(rf"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<login>{_LOGIN})", re.IGNORECASE | re.DOTALL)
# that number may still be how a password begins, and somebody may have left out a slash: shown is neither
_DOUBTFUL = re.compile(r"(?P<scheme>^[a-z][a-z0-9+.-]*://)[^/?#]*:.*@", re.IGNORECASE | re.DOTALL)
_CUT_OFF = re.compile(r"^(?P<scheme>(?:(?:rtsps?|https?):/?)?)[^/]*:.*@", re.IGNORECASE | re.DOTALL)
_IN_HOSTS = re.compile(r"[^\x00-\x20\x7f/?#@\\]+")
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
    try:
        parts = urlsplit(_encoded(_filled(spec)))
        _ = parts.port
    except ValueError as error:
        what = "the port must be a number" if "ort" in str(error) else "is no address that can be read"
        raise UsageError(f"{masked(spec)}: {what}") from None
    if not parts.hostname or not _IN_HOSTS.fullmatch(parts.hostname):
        raise UsageError(f"{masked(spec)}: has no host")
    userinfo, at, host = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    if not at:
        user, password = os.environ.get(USER_VARIABLE, ""), os.environ.get(PASSWORD_VARIABLE, "")
        return Address(urlunsplit(parts), user, password)
    return Address(urlunsplit(parts._replace(netloc=host)), unquote(user), unquote(password))


def masked(spec: str) -> str:
    """A source as people may see it: no user, no password, no secret in path or query; in doubt too little of it."""
    if "@" not in spec and "=" not in spec:
        return shown(spec)
    text, logins = _USERINFO.subn(r"\g<scheme>", spec, count=1)
    if not logins:
        pattern = _DOUBTFUL if "://" in spec else _CUT_OFF
        text = pattern.sub(r"\g<scheme>***@", spec, count=1)
    return shown(_SECRET.sub(r"\g<name>***", text) if "://" in text or text != spec else text)


def shown(text: str, most: int = 300) -> str:
    """A text from elsewhere as one line: what would steer a terminal is left out, and what is too long."""
    plain = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return plain if len(plain) <= most else plain[: most - 1] + "…"


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
