"""The page's files, read once: what is asked for is looked up by name and never becomes a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from .gate import refuse

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["PageFiles"]

_TYPES = {
    "html": b"text/html; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "css": b"text/css; charset=utf-8",
    "svg": b"image/svg+xml",
    "webmanifest": b"application/manifest+json",
}


class PageFiles:
    """ASGI endpoint: `/` and the files beside it."""

    def __init__(self, folder: Traversable) -> None:
        self._files = {
            f"/{entry.name}": (_TYPES[entry.name.rpartition(".")[2]], entry.read_bytes())
            for entry in folder.iterdir()
            if entry.name.rpartition(".")[2] in _TYPES
        }
        self._files["/"] = self._files["/index.html"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send a file, or say that there is none."""
        file = self._files.get(scope["path"])
        if file is None:
            await refuse(send, 404, "there is nothing here")
            return
        if scope["method"] not in ("GET", "HEAD"):
            await refuse(send, 405, "only GET is understood here", [(b"allow", b"GET, HEAD")])
            return
        media, body = file
        headers = [
            (b"content-type", media),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-cache"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
