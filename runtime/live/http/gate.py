"""The gate before every route: names, origins, token, size; and the headers that keep a browser honest."""

from __future__ import annotations

import json
import sys
import time
from urllib.parse import parse_qsl, quote, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import Access
from .budget import BUDGET, Budget
from .failures import Failures

__all__ = ["Gate", "refuse"]

_LONGEST_PATH = 1000  # letters: what is asked for is much shorter, and numbers of thousands of digits are none
_LONGEST_LINE = 500
OPEN_PATHS = frozenset({"/v1/health"})  # answered without a token, saying only that it is alive
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self'; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
HEADERS = [
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


class Gate:
    """ASGI: lets in who may ask and turns everything that goes wrong inside into one line."""

    def __init__(
        self, app: ASGIApp, access: Access, *, budget: Budget = BUDGET, secure: bool = False, port: int = 0
    ) -> None:
        self._app, self._access, self._budget, self._secure = app, access, budget, secure
        self._failures = Failures(budget.wrong_tokens, budget.wrong_tokens_s)
        self._cookie = f"edgelens_{port}"
        self._said = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        try:
            if await self._let_in(scope, sending):
                await self._app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001 (answered as 500, said in one line)
            self._say(scope, error)
            if not started:
                await refuse(sending, 500, "this request went wrong here; the log says how")

    async def _let_in(self, scope: Scope, send: Send) -> bool:
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._budget.head_bytes:
            await refuse(send, 431, "the request's head is too large")
            return False
        if len(scope["path"]) > _LONGEST_PATH:
            await refuse(send, 414, "there is nothing at so long an address")
            return False
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._access.answers_to(host):
            await refuse(send, 403, "this server is not known by that name")
            return False
        if not _same_origin(headers, host):
            await refuse(send, 403, "requests from other sites are refused")
            return False
        if self._access.token is None:
            return True
        return await self._with_token(scope, headers, send)

    async def _with_token(self, scope: Scope, headers: dict[bytes, bytes], send: Send) -> bool:
        offered = headers.get(b"authorization", b"").decode("latin-1")
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if offered[:7].lower() == "bearer " and self._access.fits(offered[7:].strip()):
            return True
        if self._access.fits_cookie(_cookie(headers, self._cookie)):
            return True
        if "token" in query and self._access.fits(query["token"]):
            if scope["method"] != "GET":
                return True
            await self._remember(scope, query, send)
            return False
        address = scope["client"][0] if scope.get("client") else "?"
        blocked = self._failures.blocked(address)  # only who has not the right token hears of it
        if offered or "token" in query:
            self._failures.add(address)
        if scope["path"] in OPEN_PATHS:
            return _as_stranger(scope)
        if blocked:
            await refuse(send, 429, "too many wrong tokens; wait a minute", [(b"retry-after", b"60")])
        else:
            await refuse(send, 401, "a token is needed: open the link that was printed at the start", _CHALLENGE)
        return False

    async def _remember(self, scope: Scope, query: dict[str, str], send: Send) -> None:
        """The token moves from the address into a cookie, so that it stays in no history and no log."""
        rest = urlencode({name: value for name, value in query.items() if name != "token"})
        path = quote(scope["path"])  # what browsers take for another host's, a backslash among it, stays a path
        target = path if path.startswith("/") and not path.startswith("//") else "/"
        cookie = f"{self._cookie}={self._access.cookie}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"
        headers = [
            (b"location", (target + (f"?{rest}" if rest else "")).encode()),
            (b"set-cookie", (cookie + ("; Secure" if self._secure else "")).encode()),
            (b"cache-control", b"no-store"),
            (b"content-length", b"0"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _say(self, scope: Scope, error: Exception) -> None:
        """One line for the log, at most one a minute, so that a bad client fills no card."""
        if isinstance(error, OSError) or time.monotonic() - self._said < 60:
            return
        self._said = time.monotonic()
        said = f"edgelens: {scope['method']} {scope['path']!r} went wrong: {error!r}"
        print(said[:_LONGEST_LINE], file=sys.stderr)


_CHALLENGE = [(b"www-authenticate", b"Bearer")]


async def refuse(send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    """Answer with an error as JSON, and close: a body that was not read shall not be."""
    body = json.dumps({"error": text}).encode()
    common = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*common, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})


def _as_stranger(scope: Scope) -> bool:
    scope["edgelens.stranger"] = True
    return True


def _cookie(headers: dict[bytes, bytes], name: str) -> str:
    """One cookie's value, found in one pass; the others, which can be anybody's, are not read."""
    for pair in headers.get(b"cookie", b"").split(b";"):
        key, _, value = pair.partition(b"=")
        if key.strip() == name.encode():
            return value.strip().decode("latin-1")
    return ""


def _same_origin(headers: dict[bytes, bytes], host: str) -> bool:
    origin = headers.get(b"origin")
    if origin is not None:
        return origin.decode("latin-1").lower().partition("://")[2] == host.lower()
    site = headers.get(b"sec-fetch-site", b"none")
    if site in (b"none", b"same-origin"):
        return True
    return headers.get(b"sec-fetch-mode") == b"navigate" and headers.get(b"sec-fetch-dest") == b"document"
