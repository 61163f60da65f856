"""The routes of the labelling page as one ASGI app, behind the same gate as the live page."""

from __future__ import annotations

import dataclasses
from importlib import resources

from starlette.routing import Route, Router
from starlette.types import ASGIApp

from ..live.http.access import Access
from ..live.http.budget import BUDGET
from ..live.http.gate import Gate
from ..live.http.page_files import PageFiles
from ..live.http.replies import Asked, Endpoint, Reply, as_json
from .desk import Desk

__all__ = ["LABELLING", "build_app"]

LABELLING = dataclasses.replace(BUDGET, json_bytes=1024 * 1024)  # 5,000 boxes are more than a live page is ever sent
_STAYS = ((b"cache-control", b"private, max-age=3600"),)


def build_app(desk: Desk, access: Access, *, secure: bool = False, port: int = 0) -> ASGIApp:
    """Everything behind the gate."""

    def image(asked: Asked) -> Reply:
        data, media = desk.image(asked.path["number"])
        return Reply(data, media, _STAYS)

    def keep(asked: Asked) -> Reply:
        return as_json(desk.keep(asked.path["number"], asked.body))

    def know(asked: Asked) -> Reply:
        return as_json(desk.know(asked.body.get("label") if isinstance(asked.body, dict) else None))

    routes = [
        Route("/label/state", Endpoint(lambda asked: as_json(desk.state())), methods=["GET"]),  # noqa: ARG005
        Route("/label/classes", Endpoint(know, posted=LABELLING), methods=["POST"]),
        Route("/label/{number:int}/image", Endpoint(image), methods=["GET"]),
        Route(
            "/label/{number:int}",
            Endpoint(lambda asked: as_json(desk.picture(asked.path["number"]))),
            methods=["GET"],
        ),
        Route("/label/{number:int}", Endpoint(keep, posted=LABELLING), methods=["POST"]),
    ]
    page = PageFiles(resources.files("edgelens.runtime.labelling") / "page")
    return Gate(
        Router(routes, redirect_slashes=False, default=page), access, budget=LABELLING, secure=secure, port=port
    )
