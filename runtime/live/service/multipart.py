"""The files of a multipart/form-data body that is in memory already."""

from __future__ import annotations

import re

from ..http.limits import BodyError

__all__ = ["parts_of"]

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_NAME = re.compile(rb'\bfilename="([^"]*)"|\bname="([^"]*)"', re.IGNORECASE)
MAX_HEAD = 4096


def parts_of(content_type: str, body: bytes, most: int) -> list[tuple[str, bytes]]:
    """Each part's file name (else its field's name) and bytes; the name is only ever shown, never used as a path."""
    match = _BOUNDARY.search(content_type)
    if not match:
        raise BodyError(400, "multipart without a boundary")
    boundary = b"--" + (match[1] or match[2]).encode("latin-1")
    at = body.find(boundary)
    parts: list[tuple[str, bytes]] = []
    while at >= 0:
        at += len(boundary)
        if body[at : at + 2] == b"--":
            return parts
        if len(parts) == most:
            raise BodyError(413, f"at most {most} pictures a request")
        after = body.find(b"\r\n" + boundary, at)
        if after < 0:
            break
        parts.append(_part(body, at, after, len(parts)))
        at = after + 2
    raise BodyError(400, "multipart body without its end")


def _part(body: bytes, start: int, end: int, index: int) -> tuple[str, bytes]:
    split = body.find(b"\r\n\r\n", start, min(start + MAX_HEAD, end))
    if body[start : start + 2] != b"\r\n" or split < 0:
        raise BodyError(400, "a part of the multipart body has no head")
    names = dict.fromkeys(("file", "field"), b"")
    for file, field in _NAME.findall(body[start:split]):
        names["file"], names["field"] = file or names["file"], field or names["field"]
    name = (names["file"] or names["field"] or str(index).encode()).decode("utf-8", "replace")
    return name[:200], body[split + 4 : end]
