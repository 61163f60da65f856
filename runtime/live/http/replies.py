"""Routes as plain functions: what was asked goes in, a reply comes out; the kit's errors become their one line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from ...errors import EdgelensError
from .budget import Budget
from .gate import refuse
from .limits import BodyError, read_json

__all__ = ["Asked", "Endpoint", "Reply", "as_json", "query_of"]

_NO_STORE = ((b"cache-control", b"no-store"),)


@dataclass(frozen=True)
class Asked:
    """What a request says."""

    query: Mapping[str, str]
    path: Mapping[str, Any]
    body: Any = None
    stranger: bool = False  # came without the token to a route that is open


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    body: bytes
    media: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = field(default=_NO_STORE)


def as_json(value: Any) -> Reply:
    """A reply of JSON; a file's name that is no UTF-8 is written with escapes."""
    return Reply(json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"))


class Endpoint:
    """ASGI: runs a function on a worker thread, or at once if it is quick; posted ones take JSON within a budget."""

    def __init__(self, work: Callable[[Asked], Reply], *, posted: Budget | None = None, quick: bool = False) -> None:
        self._work, self._posted, self._quick = work, posted, quick

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            body = await read_json(scope, receive, self._posted) if self._posted else None
            asked = Asked(query_of(scope), scope["path_params"], body, bool(scope.get("edgelens.stranger")))
            reply = self._work(asked) if self._quick else await asyncio.to_thread(self._work, asked)
        except BodyError as error:
            await refuse(send, error.status, error.text)
        except LookupError:
            await refuse(send, 404, "there is nothing here")
        except EdgelensError as error:
            await refuse(send, 400 if error.exit_code == 2 else 409, str(error))
        else:
            headers = [(b"content-type", reply.media), (b"content-length", str(len(reply.body)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": [*headers, *reply.headers]})
            await send({"type": "http.response.body", "body": reply.body})


def query_of(scope: Scope) -> dict[str, str]:
    """The last value of each query field."""
    try:
        given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20)
    except ValueError:
        raise BodyError(400, "too many query fields") from None
    return {name: values[-1] for name, values in given.items()}
