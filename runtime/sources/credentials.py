"""User and password of a source: taken from its address or the environment, shown nowhere."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from ..errors import UsageError

__all__ = ["Address", "masked", "parse_address", "shown"]

USER_VARIABLE, PASSWORD_VARIABLE = "EDGELENS_SOURCE_USER", "EDGELENS_SOURCE_PASSWORD"

_SECRETS = re.compile(r"user|usr|login|pass|pw|psw|token|key|auth|secret|sig|session|sid", re.IGNORECASE)
_NAME = re.compile(  # with what divides it
    r"(?P<before>[_&;/?,#]*)(?<![A-Za-z0-9])(?:[A-Za-z]|%[0-9A-Fa-f]{2})(?:[A-Za-z0-9]|%[0-9A-Fa-f]{2}){0,39}="
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|(?:rtsps?|https?):", re.IGNORECASE)
# a password may hold / ? # and blanks as it was typed; a number behind the colon is a port, though
_LOGIN = r"[^/?#]*@|[^/?#:@]*:(?!\d{1,5}(?:[/?#]|$)).*@"
_USERINFO = re.compile(rf"^(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<login>{_LOGIN})", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"[a-z0-9+.-]*://", re.IGNORECASE)
_CUT_OFF = re.compile(r"^(?P<scheme>(?:(?:rtsps?|https?):/?)?)[^/]*:.*@", re.IGNORECASE | re.DOTALL)
# what stands where a port does and is none: a login without its host
_NO_PORT = re.compile(
    r"(?P<host>^[a-z][a-z0-9+.-]*://(?:\[[^\]/]*\]|[^/?#:\[\]]*)):(?!\d{0,5}(?:[/?#]|$))[^/?#]*", re.IGNORECASE
)
_IN_HOSTS = re.compile(r"[^\x00-\x20\x7f/?#@\\]+")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Address:
    """A URL without its user and password, which stand beside it and are not printed."""

    url: str
    user: str
    password: str
    shown: str = ""  # as people may see it, where it was written by people

    def __repr__(self) -> str:
        return f"Address({self.name!r})"

    @property
    def name(self) -> str:
        """What people may see of it."""
        return self.shown or masked(self.url)

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
    filled = _filled(spec)
    try:
        filled.encode()  # a name that is no UTF-8 is none of a camera, and OpenCV crashes over it
        parts = urlsplit(_encoded(filled))
        _ = parts.port
    except ValueError as error:
        what = "the port must be a number" if "ort" in str(error) else "is no address that can be read"
        raise UsageError(f"{masked(spec, in_doubt=True)}: {what}") from None
    if not parts.hostname or not _IN_HOSTS.fullmatch(parts.hostname):
        raise UsageError(f"{masked(spec, in_doubt=True)}: has no host")
    userinfo, at, host = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    if not at:
        user, password = os.environ.get(USER_VARIABLE, ""), os.environ.get(PASSWORD_VARIABLE, "")
        return Address(urlunsplit(parts), user, password, masked(filled))
    return Address(urlunsplit(parts._replace(netloc=host)), unquote(user), unquote(password), masked(filled))


def masked(spec: str, *, in_doubt: bool = False) -> str:
    """A source as people may see it: no user, no password, no secret in path or query; in doubt too little of it.

    `in_doubt` is for what turned out to be no source: it may be an address without its beginning.
    """
    text = _without_secrets(spec) if in_doubt or _ADDRESS.match(spec) else spec
    return shown(_NO_PORT.sub(r"\g<host>:***", _without_login(text), count=1))


def _without_login(text: str) -> str:
    """Without user and password; where a password may hold the @ that ends it, nothing before the last one is left."""
    begun, login = _SCHEME.match(text), _USERINFO.match(text)
    if begun is None:
        return _CUT_OFF.sub(r"\g<scheme>***@", text, count=1)
    if login is not None and "@" not in text[login.end() :]:
        return text[: begun.end()] + text[login.end() :]
    before, at, after = text[begun.end() :].rpartition("@")
    doubtful = login is not None or ":" in re.split("[/?#]", before, maxsplit=1)[0]
    return f"{begun[0]}***@{after}" if at and doubtful else text


def _without_secrets(text: str) -> str:
    """With stars for the value of each name that is one of secrets: in a query, or as DVRs have it in the path.

    Such a value may hold much (/user=admin_password=a/b?c_channel=1): it goes to where the next name begins.
    """
    query = text.find("?") if "?" in text else len(text)
    parts, at, secret = [], 0, False
    for name in _NAME.finditer(text):
        if secret and not {*name["before"]} & {*("&;" if name.start() > query else "_&;")}:
            continue
        parts += ["***" if secret else text[at : name.start()], name[0]]
        at, secret = name.end(), _is_secret(name[0])
    return "".join([*parts, "***" if secret else text[at:]])


def _is_secret(name: str) -> bool:
    """Whether it is one of a secret, as a server reads it."""
    return _SECRETS.search(unquote(name)) is not None


def shown(text: str, most: int = 300) -> str:
    """A text from elsewhere as one line: what would steer a terminal is left out, and what is too long."""
    plain = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _encoded(url: str) -> str:
    """The URL with a password that parts of a URL can be told from."""
    login = _USERINFO.match(url)
    if login is None or any(_is_secret(name[0]) for name in _NAME.finditer(login["login"])):
        return url  # an @ in a secret that stands in the path or query begins no host
    return login["scheme"] + quote(login["login"], safe="%:@") + url[login.end() :]


def _filled(spec: str) -> str:
    def value(match: re.Match[str]) -> str:
        secret = os.environ.get(match[1])
        if secret is None:
            raise UsageError(f"{masked(spec, in_doubt=True)}: the environment has no variable {match[1]}")
        return quote(secret, safe="")

    return _VARIABLE.sub(value, spec)
