"""A clip or what lies beside it, sent to whoever plays it: whole or a part of it, never more than a piece in memory."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from starlette.types import Receive, Scope, Send

from .gate import refuse

__all__ = ["ClipFile"]

PIECE = 256 * 1024
_TYPES = {".mp4": b"video/mp4", ".webm": b"video/webm", ".jsonl": b"application/x-ndjson"}
_RANGE = re.compile(rb"bytes=(\d{0,15})-(\d{0,15})")


class ClipFile:
    """ASGI endpoint: the file that `find` says; a LookupError of it, or None, is 404."""

    def __init__(self, find: Callable[[Scope], Path | None], none: str = "no clip of it is kept") -> None:
        self._find, self._none = find, none

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the file, or a part of it."""
        try:
            file = await asyncio.to_thread(self._find, scope)
            opened = None if file is None else file.open("rb")
        except (LookupError, OSError):  # no such moment, or deleted meanwhile
            file = opened = None
        if file is None or opened is None:
            await refuse(send, 404, self._none)
            return
        with opened:
            size = opened.seek(0, 2)
            asked = _asked(dict(scope["headers"]).get(b"range", b""))
            part = (0, size) if asked is None else _part(*asked, size)
            if part is None:
                await refuse(send, 416, "the clip has no such part", [(b"content-range", b"bytes */%d" % size)])
                return
            await _start(send, _TYPES[file.suffix], part, None if asked is None else size)
            await _pour(send, opened, part)


async def _start(send: Send, media: bytes, part: tuple[int, int], of: int | None) -> None:
    begin, end = part
    headers = [(b"content-type", media), (b"content-length", b"%d" % (end - begin)), (b"accept-ranges", b"bytes")]
    headers.append((b"cache-control", b"private, max-age=3600"))
    if of is not None:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (begin, end - 1, of)))
    await send({"type": "http.response.start", "status": 200 if of is None else 206, "headers": headers})


async def _pour(send: Send, opened: BinaryIO, part: tuple[int, int]) -> None:
    begin, end = part
    opened.seek(begin)
    while begin < end:
        data = await asyncio.to_thread(opened.read, min(PIECE, end - begin))
        if not data:
            raise OSError("the clip has become shorter")
        begin += len(data)
        await send({"type": "http.response.body", "body": data, "more_body": begin < end})


def _asked(header: bytes) -> tuple[int | None, int | None] | None:
    """The first and last byte of the one part that is asked for, without a first one how many of the end.

    None where that is no part: HTTP has it passed over then, as a server may that is asked for several.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None:
        return None
    first, last = (int(digits) if digits else None for digits in found.groups())
    backwards = first is not None and last is not None and last < first
    return None if backwards or (first is None and last is None) else (first, last)


def _part(first: int | None, last: int | None, size: int) -> tuple[int, int] | None:
    """Begin and end in bytes of a part; None where there is no such part."""
    if first is None:
        return (max(size - last, 0), size) if last and size else None
    return (first, size if last is None else min(last + 1, size)) if first < size else None
