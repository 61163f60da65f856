"""The routes of page and service as one ASGI app."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Scope

from ..errors import BundleError, ModelError, UsageError, WorkError
from .http.access import Access
from .http.budget import BUDGET, Budget
from .http.clip_file import ClipFile
from .http.gate import Gate
from .http.page_files import PageFiles
from .http.replies import Asked, Endpoint, Reply, as_json
from .service.lessons import TeachService
from .service.on_demand import ServiceOnDemand
from .service.openapi import openapi
from .service.service import RecognizeService
from .shared.health import model_json
from .shared.knobs import change_settings
from .shared.lesson import answer_lesson
from .shared.metrics_text import metrics_text
from .shared.shared_state import SharedState
from .shared.wanted import Wanted
from .shared.who import change_gallery, gallery_json, portrait
from .viewers.stream import EventStream, FrameStream, event

__all__ = ["build_app"]

PULSE_S = 0.5
_STAYS = ((b"cache-control", b"private, max-age=3600"),)


def build_app(
    shared: SharedState,
    access: Access,
    *,
    service: RecognizeService | ServiceOnDemand | None = None,
    budget: Budget = BUDGET,
    secure: bool = False,
    port: int = 0,
) -> ASGIApp:
    """Everything behind the gate."""
    routes = [
        *_service_routes(shared, service, budget),
        *_page_routes(shared, budget),
        *_moment_routes(shared),
        *_gallery_routes(shared, budget),
    ]
    router = Router(
        routes,
        redirect_slashes=False,
        default=PageFiles(resources.files("edgelens.runtime.live") / "page"),
        lifespan=_Lifespan(shared),
    )
    return Gate(router, access, budget=budget, secure=secure, port=port)


class _Lifespan:
    """Binds the hub to the server's event loop and keeps its pulse."""

    def __init__(self, shared: SharedState) -> None:
        self._shared = shared

    @contextlib.asynccontextmanager
    async def __call__(self, app: object) -> AsyncIterator[None]:  # noqa: ARG002
        self._shared.hub.start()
        beating = asyncio.ensure_future(_beat(self._shared))
        yield
        beating.cancel()


async def _beat(shared: SharedState) -> None:
    """Twice a second: the status to everybody who looks, and an end to stalled connections."""
    failed = False
    while True:
        await asyncio.sleep(PULSE_S)
        shared.hub.tend()
        if not shared.hub.listens("state"):
            continue
        try:
            shared.hub.post_event("state", event("state", shared.pulse()))
            failed = False
        except Exception as error:  # noqa: BLE001 (one that fails ends neither the next nor the tending)
            if not failed:  # told once, not twice a second
                said = {"message": "the page's status could not be told", "exception": error}
                asyncio.get_running_loop().call_exception_handler(said)
            failed = True


def _page_routes(shared: SharedState, budget: Budget) -> list[Route]:
    def settings(asked: Asked) -> Reply:
        change_settings(shared.control, asked.body)
        return as_json(shared.pulse()["settings"])

    def collect(asked: Asked) -> Reply:
        return as_json(shared.collect(_source(asked.body), _text(asked.body, "label")))

    def swap(asked: Asked) -> Reply:
        name, source = _text(asked.body, "model"), _source(asked.body)
        try:
            shared.swap(name, source)
        except (BundleError, ModelError, WorkError) as error:  # the old model goes on: an answer, not a failed request
            return as_json({"model": None, "source": source, "refused": str(error)})
        return as_json({"model": name, "source": source, "refused": None})

    def taken(asked: Asked) -> Reply:
        shared.hub.taken(_text(asked.body, "key"), _sources(asked.body))
        return as_json({})

    def snapshot(asked: Asked) -> Reply:
        name, data = shared.snapshot(asked.query.get("source"))
        saved = (b"content-disposition", f'attachment; filename="{name}"'.encode())
        return Reply(data, b"image/jpeg", (saved, (b"cache-control", b"no-store")))

    def labels(asked: Asked) -> Reply:
        return as_json({"labels": shared.labels(asked.query.get("source"))})

    changes = EventStream(
        shared.hub,
        "state",
        "announced",
        "notice",
        greeting=lambda: event("state", shared.pulse()),
        most=budget.listeners,
    )
    return [
        Route("/live/frames", FrameStream(shared.hub, budget.viewers), methods=["GET"]),
        Route("/live/taken", Endpoint(taken, posted=budget, quick=True), methods=["POST"]),
        Route("/live/events", changes, methods=["GET"]),
        Route("/live/state", Endpoint(lambda asked: as_json(shared.state())), methods=["GET"]),  # noqa: ARG005
        Route("/live/labels", Endpoint(labels), methods=["GET"]),
        Route("/live/snapshot", Endpoint(snapshot), methods=["GET"]),
        Route("/live/settings", Endpoint(settings, posted=budget), methods=["POST"]),
        Route("/live/collect", Endpoint(collect, posted=budget), methods=["POST"]),
        Route("/live/model", Endpoint(swap, posted=budget), methods=["POST"]),
    ]


def _moment_routes(shared: SharedState) -> list[Route]:
    happened = shared.timeline

    def one(asked: Asked) -> Reply:
        return as_json(shared.event(asked.path["number"]))

    def picture(asked: Asked) -> Reply:
        return Reply(happened.picture(happened.moment(asked.path["number"])), b"image/jpeg", _STAYS)

    def thumb(asked: Asked) -> Reply:
        return Reply(happened.thumb(happened.moment(asked.path["number"])), b"image/jpeg", _STAYS)

    def clip(scope: Scope) -> Path | None:
        return happened.clip(happened.moment(scope["path_params"]["number"]))

    def clip_rows(scope: Scope) -> Path | None:
        return happened.clip_rows(happened.moment(scope["path_params"]["number"]))

    rows = ClipFile(clip_rows, "no boxes of its clip are kept")
    return [
        Route("/live/thumbs/{number:int}", Endpoint(thumb), methods=["GET"]),
        Route("/live/moments/{number:int}", Endpoint(one), methods=["GET"]),
        Route("/live/moments/{number:int}/picture", Endpoint(picture), methods=["GET"]),
        Route("/live/moments/{number:int}/clip", ClipFile(clip), methods=["GET"]),
        Route("/live/moments/{number:int}/clip/boxes", rows, methods=["GET"]),
    ]


def _gallery_routes(shared: SharedState, budget: Budget) -> list[Route]:
    def gallery(asked: Asked) -> Reply:
        return as_json(gallery_json(shared, asked.query.get("source")))

    def change(asked: Asked) -> Reply:
        return as_json(change_gallery(shared, asked.body))

    def face(asked: Asked) -> Reply:
        return Reply(portrait(shared, asked.query.get("source"), asked.query.get("name")), b"image/jpeg", _STAYS)

    return [
        Route("/live/gallery", Endpoint(gallery), methods=["GET"]),
        Route("/live/gallery", Endpoint(change, posted=budget), methods=["POST"]),
        Route("/live/gallery/portrait", Endpoint(face), methods=["GET"]),
    ]


def _service_routes(
    shared: SharedState, service: RecognizeService | ServiceOnDemand | None, budget: Budget
) -> list[Route]:
    def health(asked: Asked) -> Reply:
        return as_json({"status": "ok"} if asked.stranger else shared.health())  # to a stranger: it lives

    def models(asked: Asked) -> Reply:  # noqa: ARG001
        status = shared.control.status()
        running = service.model_json() if service else None
        if running is None and status is not None:
            running = {"name": status.model.name, "engine": status.model.engine, "precision": status.model.precision}
        sources = {} if status is None else {source.name: model_json(source.model) for source in status.sources}
        return as_json({"running": running, "sources": sources, "at_hand": list(shared.control.models)})

    def metrics(asked: Asked) -> Reply:  # noqa: ARG001
        text = metrics_text(shared, service.families() if service else ())
        return Reply(text.encode(), b"text/plain; version=0.0.4; charset=utf-8")

    def teach(asked: Asked) -> Reply:
        return as_json(answer_lesson(shared, asked.body))

    taught: TeachService | Endpoint = Endpoint(teach, posted=budget)
    if isinstance(service, RecognizeService) and not shared.control.sources:  # no camera shows what is taught
        taught = TeachService(service, photos=shared.photos)
    routes = [Route("/v1/recognize", service, methods=["POST"])] if service else []  # first: the busiest
    return [
        *routes,
        Route("/v1/teach", taught, methods=["POST"]),
        Route("/v1/results", EventStream(shared.hub, "result", most=budget.listeners), methods=["GET"]),
        Route("/v1/events", Endpoint(lambda a: as_json(shared.events(Wanted.of(a.query)))), methods=["GET"]),
        Route("/v1/health", Endpoint(health, quick=True), methods=["GET"]),
        Route("/v1/models", Endpoint(models), methods=["GET"]),
        Route("/v1/openapi.json", Endpoint(lambda asked: as_json(openapi())), methods=["GET"]),  # noqa: ARG005
        Route("/metrics", Endpoint(metrics), methods=["GET"]),
    ]


def _text(body: object, name: str) -> str:
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str):
        raise UsageError(f'send a JSON object with "{name}", a text')
    return value


def _sources(body: object) -> list[str]:
    named = body.get("sources") if isinstance(body, dict) else None
    if not isinstance(named, list) or not all(isinstance(source, str) for source in named):
        raise UsageError('send a JSON object with "sources", a list of texts')
    return named


def _source(body: object) -> str | None:
    """The source that is meant, None for all of them."""
    return _text(body, "source") if isinstance(body, dict) and body.get("source") else None
