"""`POST /v1/recognize` beside a camera loop: an engine of its own, loaded with the first request and anew after a swap.

A loop that nobody asks pays nothing for it, and one worker keeps most of the cores for the camera.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Scope, Send

from ...bundle.bundle import Bundle
from ...errors import EdgelensError
from ...result import Result
from ..http.budget import Budget
from ..http.gate import refuse
from ..shared.metrics_text import Family
from .service import RecognizeService, ServiceLimits

__all__ = ["ServiceOnDemand"]

ONE_WORKER = ServiceLimits(workers=1)
FEWER = Budget(requests=16)


class ServiceOnDemand:
    """An ASGI endpoint over the bundle that the loop runs at the moment, by the engine and precision that were asked
    for and at the threshold that holds for the loop; a context manager that closes the engine.
    """

    def __init__(
        self,
        bundle: Callable[[], Bundle],
        *,
        engine: str = "auto",
        precision: str | None = None,
        threshold: Callable[[], float | None] = lambda: None,
        device: str = "",
        on_result: Callable[[Result], None] | None = None,
        budget: Budget = FEWER,
    ) -> None:
        self._bundle, self._device, self.on_result, self._budget = bundle, device, on_result, budget
        self._engine, self._precision, self._threshold = engine, precision, threshold
        self._service: RecognizeService | None = None
        self._retired: list[RecognizeService] = []  # their models are no longer the loop's; some requests may be
        self._opening = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            service = await self._current()
        except EdgelensError as error:
            await refuse(send, 409, str(error))
            return
        await service(scope, receive, send)

    def model_json(self) -> dict[str, Any] | None:
        """What is running; None before the first request."""
        return self._service.model_json() if self._service else None

    def state(self) -> dict[str, Any]:
        """How busy it is; nothing before the first request."""
        return self._service.state() if self._service else {}

    def labels(self) -> dict[str, int]:
        """Pictures in which each label was seen; none before the first request."""
        return self._service.labels() if self._service else {}

    def families(self) -> list[Family]:
        """The service's numbers for Prometheus; none before the first request."""
        return self._service.families() if self._service else []

    def __enter__(self) -> ServiceOnDemand:
        return self

    def __exit__(self, *exc: object) -> None:
        for service in filter(None, (self._service, *self._retired)):
            service.__exit__(None, None, None)
        self._service, self._retired = None, []

    async def _current(self) -> RecognizeService:
        async with self._opening:
            bundle = self._bundle()
            if self._service is None or self._service.bundle is not bundle:
                await asyncio.to_thread(self._open, bundle)
            assert self._service is not None
            self._service.threshold = self._threshold()
            return self._service

    def _open(self, bundle: Bundle) -> None:
        new = RecognizeService(
            bundle,
            engine=self._engine,
            precision=self._precision,
            limits=ONE_WORKER,
            budget=self._budget,
            device=self._device,
            on_result=self.on_result,
        )
        new.__enter__()
        if self._service is not None:
            self._retired.append(self._service)
        self._service = new
        for old in [service for service in self._retired if not service.state()["under_way"]]:
            self._retired.remove(old)
            old.__exit__(None, None, None)
