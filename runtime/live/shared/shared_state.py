"""What the page and the service know in common: the loop's control, the newest results, who looks."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from ...errors import UsageError, WorkError
from ...loop.control import Control
from ...result import Result
from ...sinks.protocol import Notice
from ...sinks.recorded import Recorded
from ..viewers.encoder import Encoder, jpeg
from ..viewers.hub import Hub
from ..viewers.stream import event
from .collect import Collector, class_folder
from .health import health_json, status_json
from .knobs import settings_json
from .machine import Machine
from .moment import Moment
from .timeline import Timeline
from .wanted import Wanted
from .who import LastSeen

__all__ = ["Service", "SharedState"]

CLIP_COMES_S = 60.0  # after which a clip that is not there will not come: the longest, and time to code it


class Service(Protocol):
    """What answers `POST /v1/recognize`, as far as one asks how it is."""

    def state(self) -> dict[str, Any]:
        """How busy it is."""

    def labels(self) -> dict[str, int]:
        """Pictures in which each label was seen."""


class SharedState:
    """Takes results from the loop's side and answers the page's questions; thread-safe."""

    def __init__(
        self,
        control: Control,
        *,
        collector: Collector | None = None,
        quality: int = 80,
        service: Service | None = None,
        machine: Machine | None = None,
        recorded: Recorded | None = None,
        photos: bool = True,
    ) -> None:
        self.control, self.collector, self.service = control, collector, service
        self.photos = photos  # whether teaching may keep small copies
        self.machine = machine or Machine()
        self.hub = Hub()
        self.encoder = Encoder(self.hub, quality=quality)
        self.timeline = Timeline(recorded=recorded)
        self.last_seen = LastSeen()
        self.snapshots = 0
        self._newest: dict[str, Result] = {}
        self._notices: dict[str, Notice] = {}
        self._swapping = threading.Lock()

    def take(self, result: Result) -> None:
        """One result from the loop."""
        self._newest[result.frame.source] = result
        self.last_seen.add(result)
        self.encoder.offer(result)
        self.tell(result)
        for moment in self.timeline.add(result):
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
        """The newest result of a source, or of the first one, in their order on the page, that has any."""
        if source is None:
            names = (*self.control.sources, *tuple(self._newest))
            source = next((name for name in names if name in self._newest), None)
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

    def swap(self, model: str, source: str | None = None) -> None:
        """Run another of the models at hand on a source, or on all; one swap at a time."""
        if model not in self.control.models:
            raise UsageError("no such model is at hand")
        if source is not None and source not in self.control.sources:
            raise UsageError("no source of that name")
        if not self._swapping.acquire(blocking=False):
            raise WorkError("another model is being loaded; try again when it is done")
        try:
            self.control.swap(model, source)
            self.control.change(source, classes=None)  # another model may know none of them
        finally:
            self._swapping.release()

    def labels(self, source: str | None = None) -> list[str]:
        """The names that the model of a source knows, or all models."""
        if source is not None and source not in self.control.sources:
            raise UsageError("no source of that name")
        newest = [result for name, result in tuple(self._newest.items()) if source in (None, name)]
        return list(dict.fromkeys(label for result in newest for label in result.seen.labels[:2000]))[:2000]

    def pulse(self) -> dict[str, Any]:
        """What changes all the time: the loop's status and the knobs."""
        status = self.control.status()
        return {
            "time": round(time.time(), 3),
            "status": None if status is None else status_json(status),
            "settings": {name: settings_json(self.control.settings(name)) for name in self.control.sources},
            "notices": {name: dataclasses.asdict(notice) for name, notice in tuple(self._notices.items())},
            "service": self.service.state() if self.service is not None else None,
            "viewers": self.hub.viewers,
            "encoded": self.encoder.encoded,
        }

    def events(self, wanted: Wanted) -> dict[str, Any]:
        """What happened, as far as it is remembered and asked for; newest first."""
        found, more = self.timeline.find(wanted)
        return {"events": [self._with_kept(moment, moment.to_json()) for moment in found], "more": more}

    def event(self, number: int) -> dict[str, Any]:
        """One of them with all that was seen; a LookupError when it is no longer remembered."""
        moment = self.timeline.moment(number)
        beside = self.timeline.clip_rows(moment) is not None
        return {**self._with_kept(moment, moment.all_to_json()), "clip_boxes": beside}

    def _with_kept(self, moment: Moment, said: dict[str, Any]) -> dict[str, Any]:
        """`clip` is "there", "coming" while what comes after is still being recorded, or "none"."""
        pictured = self.timeline.has_picture(moment)
        kept = self.timeline.clip(moment) is not None
        coming = self.timeline.recorded is not None and time.time() - moment.time < CLIP_COMES_S
        return {**said, "pictured": pictured, "clip": "there" if kept else "coming" if coming else "none"}

    def health(self) -> dict[str, Any]:
        """How it is, for programs and for `edgelens status`."""
        service = self.service.state() if self.service is not None else None
        if self.service is not None and service:  # one that nobody has asked yet says nothing
            service["labels"] = self.service.labels()
        return {**health_json(self.control.status(), self.machine, service), "viewers": self.hub.viewers}

    def state(self) -> dict[str, Any]:
        """All the page needs to draw itself."""
        counts: Mapping[str, int] | None = self.collector.counts() if self.collector else None
        return {
            **self.pulse(),
            "sources": list(self.control.sources),
            "models": list(self.control.models),
            "labels": self.labels(),
            "records": self.timeline.recorded is not None,
            "collected": counts,
            "recognizes": self.service is not None,
            "teaches": self.control.lessons is not None,
            "photos": self.photos,
        }
