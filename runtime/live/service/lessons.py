"""`POST /v1/teach` of a service without a camera: the pictures that are sent go under a name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Scope, Send

from ...errors import UsageError
from ..http.limits import BodyError
from ..http.replies import query_of
from . import refusals
from .multipart import parts_of
from .upload import decode_upload

if TYPE_CHECKING:
    from ...model.teaching import Teacher
    from .service import Answering, RecognizeService

__all__ = ["TeachService"]

_HOW = 'send a JPEG, PNG or WebP picture to /v1/teach?name=NAME, several as multipart; or JSON with "undo", a lesson'

_WHETHER = {"true": True, "false": False}


class TeachService:
    """An ASGI endpoint that teaches what a service recognizes with; its requests count as the service's do."""

    def __init__(self, service: RecognizeService, *, photos: bool = True) -> None:
        self._service, self._photos = service, photos

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._service.serve(scope, receive, send, self._answering)

    def _answering(self, scope: Scope) -> Answering:
        query = query_of(scope)
        return lambda kind, body, _: self._answer(kind, body, query.get("name"), query.get("photos", "true"))

    def _answer(self, kind: str, body: bytes, name: str | None, photos: str) -> tuple[int, bytes]:
        def work() -> bytes:
            undoes = kind.lower().startswith("application/json")
            lesson = self._undone(body) if undoes else self._taught(kind, body, name, photos)
            return json.dumps(lesson, ensure_ascii=False).encode()

        return refusals.answered(body, work, fault=409)

    def _taught(self, kind: str, body: bytes, name: str | None, photos: str) -> dict[str, Any]:
        from ...gallery.exemplar import checked_name

        if not body:
            raise BodyError(411, _HOW)
        if name is None:
            raise UsageError(_HOW)
        if photos not in _WHETHER:
            raise UsageError("photos is true or false: whether small copies of the pictures are kept")
        checked_name(name)  # before a picture is decoded
        limits = self._service.limits
        many = kind.lower().startswith("multipart/form-data")
        parts = parts_of(kind, body, limits.pictures) if many else [("upload", body)]
        teacher = self._teacher()
        looks = [teacher.look(decode_upload(data, where, limits.pixels)) for where, data in parts]
        shown, kept = [look for look in looks if look is not None], self._photos and _WHETHER[photos]
        return teacher.lesson(name, shown, source="upload", photos=kept)

    def _undone(self, body: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict) or not isinstance(asked.get("undo"), str):
            raise UsageError(_HOW)
        return {"undone": self._teacher().gallery().undo(asked["undo"])}

    def _teacher(self) -> Teacher:
        from ...model.teaching import Teacher  # a service that is taught nothing loads none of it

        return Teacher(self._service.recognizer)
