"""What the page and the service know in common: the loop's control, the newest results, who looks."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping
from typing import Any

from ...errors import UsageError, WorkError
from ...loop.control import Control, LoopStatus
from ...result import Result
from ...sinks.protocol import Notice
from ..viewers.encoder import Encoder, jpeg
from ..viewers.hub import Hub
from ..viewers.stream import event
from .collect import Collector, class_folder
from .knobs import settings_json
from .timeline import Timeline

__all__ = ["SharedState"]


class SharedState:
    """Takes results from the loop's side and answers the page's questions; thread-safe."""

    def __init__(self, control: Control, *, collector: Collector | None = None, quality: int = 80) -> None:
        self.control, self.collector = control, collector
        self.hub = Hub()
        self.encoder = Encoder(self.hub, quality=quality)
        self.timeline = Timeline()
        self.snapshots = 0
        self.recognizes = False  # whether POST /v1/recognize is served
        self._newest: dict[str, Result] = {}
        self._notices: dict[str, Notice] = {}
        self._swapping = threading.Lock()

    def take(self, result: Result) -> None:
        """One result from the loop."""
        self._newest[result.frame.source] = result
        self.encoder.offer(result)
        self.tell(result)
        if result.announced is not None:
            moment = self.timeline.add(result)
            self.hub.post_event("announced", event("announced", moment.to_json()))

    def tell(self, result: Result) -> None:
        """A result for those who listen to all, without its picture: that of a request is kept nowhere."""
        if self.hub.listens("result"):
            self.hub.post_event("result", event("result", result.to_json()))

    def hear(self, notice: Notice) -> None:
        """Something happened to a source."""
        self._notices[notice.source] = notice
        self.hub.post_event("notice", event("notice", dataclasses.asdict(notice)))

    def newest(self, source: str | None) -> Result:
        """The newest result of a source, or of the first one that has any."""
        if source is None and self._newest:
            return next(iter(self._newest.values()))
        if source is None or source not in self._newest:
            raise UsageError("no frame of such a source has been seen yet")
        return self._newest[source]

    def snapshot(self, source: str | None) -> tuple[str, bytes]:
        """A source's newest frame as JPEG in full size, and a name for it."""
        result = self.newest(source)
        self.snapshots += 1
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(result.frame.time))
        return f"edgelens-{stamp}-{result.frame.index}.jpg", jpeg(result.frame.image, 95)

    def collect(self, source: str | None, label: str) -> dict[str, object]:
        """Keep a source's newest frame (its region) as a picture of this label."""
        if self.collector is None:
            raise UsageError("collecting is off: start with --collect DIR")
        result = self.newest(source)
        known = result.frame.source in self.control.sources
        region = self.control.settings(result.frame.source).region if known else None
        return self.collector.keep(result, class_folder(label), region)

    def swap(self, model: str) -> None:
        """Run another of the bundles at hand; one swap at a time."""
        if model not in self.control.models:
            raise UsageError("no such model is at hand")
        if not self._swapping.acquire(blocking=False):
            raise WorkError("another model is being loaded; try again when it is done")
        try:
            self.control.swap(model)
        finally:
            self._swapping.release()

    def labels(self) -> list[str]:
        """The names that the running model knows."""
        result = next(iter(tuple(self._newest.values())), None)
        return list(result.seen.labels[:2000]) if result is not None else []

    def pulse(self) -> dict[str, Any]:
        """What changes all the time: the loop's status and the knobs."""
        status = self.control.status()
        return {
            "time": round(time.time(), 3),
            "status": None if status is None else status_json(status),
            "settings": {name: settings_json(self.control.settings(name)) for name in self.control.sources},
            "notices": {name: dataclasses.asdict(notice) for name, notice in tuple(self._notices.items())},
            "viewers": self.hub.viewers,
            "encoded": self.encoder.encoded,
        }

    def state(self) -> dict[str, Any]:
        """All the page needs to draw itself."""
        counts: Mapping[str, int] | None = self.collector.counts() if self.collector else None
        return {
            **self.pulse(),
            "sources": list(self.control.sources),
            "models": list(self.control.models),
            "labels": self.labels(),
            "timeline": self.timeline.to_json(),
            "collected": counts,
            "recognizes": self.recognizes,
        }


def status_json(status: LoopStatus) -> dict[str, Any]:
    """A status as plain JSON types."""
    return {
        "model": status.model,
        "engine": status.engine,
        "precision": status.precision,
        "started": round(status.started, 3),
        "sources": [{**dataclasses.asdict(source), "stages_ms": dict(source.stages_ms)} for source in status.sources],
        "board": dataclasses.asdict(status.board),
        "sinks": [dataclasses.asdict(sink) for sink in status.sinks],
        "dropped": {sink.name: sink.dropped for sink in status.sinks},
        "slowed_to_fps": status.slowed_to_fps,
    }
