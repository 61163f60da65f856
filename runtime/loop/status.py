"""How the loop is doing, gathered from its parts when somebody asks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from .control import LoopStatus, ModelStatus, SourceState, SourceStatus
from .feeds import Feed, Feeds
from .lane import Lane
from .model_slot import ModelSlot
from .outlets import Outlets
from .pace import Pace

__all__ = ["loop_status"]

STALE_S = 30.0  # a camera that says nothing for so long is away, even if its driver never said so


def loop_status(lanes: Sequence[Lane], feeds: Feeds, outlets: Outlets, *, pace: Pace, started: float) -> LoopStatus:
    """The loop as it is now; read from any thread."""
    return LoopStatus(
        _model(lanes[0].model),
        started,
        tuple(_source(lane, feed) for lane, feed in zip(lanes, feeds.feeds, strict=True)),
        pace.reading,
        outlets.status,
        pace.slowed_to,
    )


def _model(slot: ModelSlot) -> ModelStatus:
    engine, precision = slot.running
    manifest = slot.bundle.manifest
    return ModelStatus(slot.name, engine, precision, manifest.name, manifest.content_version, slot.file.sha256)


def _source(lane: Lane, feed: Feed) -> SourceStatus:
    tally, since = lane.tally, time.monotonic() - (feed.slot.arrived or feed.begun)
    state = _state(feed, since)
    return SourceStatus(
        name=feed.name,
        live=feed.live,
        connected=feed.connected,
        captured=feed.slot.captured,
        processed=tally.processed,
        skipped=feed.slot.captured - tally.processed - len(feed.slot),
        recoveries=feed.recoveries,
        fps=tally.recent_fps,
        age_ms=since * 1e3 if state == "away" else tally.last_age_ms,
        stages_ms=tally.last_stages,
        model=_model(lane.model),
        state=state,
        problem=(feed.trouble or "no frame comes") if state == "away" else "",
        seconds_since_frame=since,
        seen=dict(tally.seen),
        announced=dict(tally.announced),
        watched=_watched(lane, state),
    )


def _watched(lane: Lane, state: SourceState) -> Mapping[str, Any]:
    """The lines and zones as they stand."""
    if lane.watch is None:
        return {}
    from ..zones.standing import with_nobody

    return with_nobody(lane.watch.standing) if state == "away" else lane.watch.standing


def _state(feed: Feed, since: float) -> SourceState:
    """A file that was read to its end is not away; a camera that has not said anything yet is starting."""
    if feed.ended and feed.error is None:
        return "ended"
    if feed.live and since > STALE_S:
        return "away"
    if feed.connected:
        return "ok"
    return "away" if feed.trouble or feed.error is not None else "starting"
