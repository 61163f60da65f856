"""POST /v1/recognize: pictures in, the same JSON out that the camera loop speaks."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import os
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from ...bundle.bundle import Bundle
from ...bundle.manifest import Step
from ...engines.protocol import EngineOptions
from ...errors import ImageError
from ...frame import Frame
from ...model.recognizer import BundleRecognizer
from ...result import SCHEMA, Origin, Result
from ..http.budget import BUDGET, Budget
from ..http.gate import refuse
from ..http.limits import BodyError, content_type, read_body
from ..http.one_piece import UNWANTED
from ..http.replies import query_of
from ..http.uploads import NoRoomError, Upload, Uploads
from ..shared.metrics_text import Family
from . import refusals
from .counts import ServiceCounts
from .multipart import parts_of
from .upload import MAX_PIXELS, decode_upload

__all__ = ["Answering", "RecognizeService", "ServiceLimits"]

SLOWEST_REFUSAL_S = 1.0
Answering = Callable[[str, bytes, float], tuple[int, bytes]]  # (content type, body, when it arrived) → status, JSON


@dataclass(frozen=True)
class ServiceLimits:
    """How much the service makes of one request; what all may send at one time is the budget's."""

    pixels: int = MAX_PIXELS
    pictures: int = 32  # a request
    workers: int = 0  # 0: one a core


class RecognizeService:
    """An ASGI endpoint over one bundle; a context manager that owns the engine and its threads."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        engine: str = "auto",
        precision: str | None = None,
        options: EngineOptions | None = None,
        limits: ServiceLimits = ServiceLimits(),
        budget: Budget = BUDGET,
        threshold: float | None = None,
        device: str = "",
        on_result: Callable[[Result], None] | None = None,
    ) -> None:
        self.bundle, self.limits, self.device, self.on_result = bundle, limits, device, on_result
        self._recognizer = BundleRecognizer(
            bundle, engine=engine, precision=precision, options=options, shared=True, taught=True
        )
        self.threshold = threshold
        self.started = time.time()
        self.counts = ServiceCounts()
        self._stack = ExitStack()
        self._uploads = Uploads(budget)
        self._sent_away = 0
        self._numbers = itertools.count()

    def __enter__(self) -> RecognizeService:
        self._stack.enter_context(self._recognizer)
        workers = self.limits.workers or os.cpu_count() or 1
        self._pool = self._stack.enter_context(ThreadPoolExecutor(workers, thread_name_prefix="recognize"))
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.serve(scope, receive, send, self._answering)

    async def serve(self, scope: Scope, receive: Receive, send: Send, begin: Callable[[Scope], Answering]) -> None:
        """Answer one request with what `begin` makes of its head, within the service's budget."""
        arrived = time.monotonic()
        answered: tuple[int, bytes] | None = None
        try:
            with self._uploads.place() as upload:
                answered = await self._answered(scope, receive, upload, arrived, begin(scope))
        except NoRoomError:
            pass  # what is done about it waits until the error, and the body that it holds, are gone
        except BodyError as error:
            answered = error.status, refusals.wrong(error.text)
        if answered is None:
            scope[UNWANTED] = True
            await self._send_away(send)
            return
        status, answer = answered
        self.counts.add(status, time.monotonic() - arrived)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def recognize(self, data: bytes, name: str, threshold: float | None, arrived: float) -> Result:
        """One encoded picture's result; callable from many threads."""
        start = time.perf_counter()
        image = decode_upload(data, name, self.limits.pixels)
        read_ms = (time.perf_counter() - start) * 1e3
        frame = Frame(image, index=next(self._numbers), captured=arrived, source=name)
        seen = self._recognizer.recognize(frame, threshold=threshold)
        manifest = self.bundle.manifest
        origin = Origin(self.device, manifest.name, manifest.content_version)
        stages, age_ms = {"read": read_ms, **seen.stages}, (time.monotonic() - arrived) * 1e3
        return Result(frame, seen.recognitions, stages, age_ms, origin=origin, view=seen.view)

    @property
    def recognizer(self) -> BundleRecognizer:
        """What answers; many threads may ask it."""
        return self._recognizer

    def model_json(self) -> dict[str, Any]:
        """What is running, for people and programs that ask."""
        manifest = self.bundle.manifest
        steps = [self._step_json(step) for step in manifest.steps]
        return {
            **steps[0],
            "name": manifest.name,
            "content_version": manifest.content_version,
            "labels": list(manifest.labels),
            "engine": " + ".join(dict.fromkeys(step["engine"] for step in steps)),
            "precision": " + ".join(dict.fromkeys(step["precision"] for step in steps)),
            "steps": steps,
        }

    def _step_json(self, step: Step) -> dict[str, Any]:
        loaded = self._recognizer.networks[step.network]
        network, file = loaded.network, loaded.file
        asked = self.threshold if step is self.bundle.manifest.steps[-1] else None
        return {
            "step": step.output,
            "task": network.task,
            "labels": list(network.labels),
            "engine": file.engine,
            "precision": file.precision,
            "input": [network.pixels.height, network.pixels.width, network.pixels.channels],
            "threshold": network.decode.held_to(asked),
            "batch": 1 if loaded.shared is None else loaded.shared.most,
        }

    def state(self) -> dict[str, Any]:
        """How busy it is."""
        return {"under_way": self._uploads.under_way, "queue": self._uploads.budget.requests, **self.counts.to_json()}

    def labels(self) -> dict[str, int]:
        """Pictures in which each label was seen."""
        return self.counts.labels()

    def families(self) -> list[Family]:
        """The service's numbers for Prometheus."""
        sizes: Counter[int] = Counter()
        for loaded in self._recognizer.networks.values():
            sizes.update(loaded.shared.batches if loaded.shared is not None else {})
        batches = [({"size": str(size)}, count) for size, count in sorted(sizes.items())]
        return [
            *self.counts.families(),
            ("edgelens_requests_under_way", "gauge", "Requests being answered.", [({}, self._uploads.under_way)]),
            ("edgelens_batches_total", "counter", "Engine runs by pictures in them.", batches),
        ]

    def _answering(self, scope: Scope) -> Answering:
        threshold = _threshold(scope, self.threshold)
        return lambda kind, body, arrived: self._answer(kind, body, threshold, arrived)

    async def _answered(
        self, scope: Scope, receive: Receive, upload: Upload, arrived: float, answer: Answering
    ) -> tuple[int, bytes]:
        budget = self._uploads.budget
        body = await read_body(scope, receive, budget.body_bytes, timeout_s=budget.body_s, take=upload.take)
        upload.whole()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, answer, content_type(scope), body, arrived)

    async def _send_away(self, send: Send) -> None:
        """Say 503; the more are sent away at a time the later, so that a crowd that asks again at once slows itself."""
        self.counts.refused += 1
        self._sent_away += 1
        try:
            await asyncio.sleep(min(SLOWEST_REFUSAL_S, 0.01 * (self._sent_away - 1)))
            await refuse(send, 503, "too much to do; try again in a second", [(b"retry-after", b"1")])
        finally:
            self._sent_away -= 1

    def _answer(self, kind: str, body: bytes, threshold: float | None, arrived: float) -> tuple[int, bytes]:
        def work() -> bytes:
            if kind.lower().startswith("multipart/form-data"):
                return self._many(parts_of(kind, body, self.limits.pictures), threshold, arrived)
            result = self.recognize(body, "upload", threshold, arrived)
            self._tell(result)
            return json.dumps(result.to_json(), ensure_ascii=False).encode()

        return refusals.answered(body, work)

    def _many(self, parts: list[tuple[str, bytes]], threshold: float | None, arrived: float) -> bytes:
        """One object a picture, in order; a bad one says why and does not spoil the others."""
        if not parts:
            raise BodyError(400, "no picture in the multipart body")
        answers: list[dict[str, Any]] = []
        for name, data in parts:
            try:
                result = self.recognize(data, name, threshold, arrived)
            except ImageError as error:
                answers.append({"source": name, "error": str(error)})
            else:
                self._tell(result)
                answers.append(result.to_json())
        return json.dumps({"schema": SCHEMA, "items": answers}, ensure_ascii=False).encode()

    def _tell(self, result: Result) -> None:
        self.counts.see(result)
        if self.on_result is not None:
            self.on_result(result)


def _threshold(scope: Scope, default: float | None) -> float | None:
    if not scope["query_string"]:
        return default
    given = query_of(scope).get("threshold")
    if given is None:
        return default
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise BodyError(400, "threshold lies between 0 and 1")
    return value
