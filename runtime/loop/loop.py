"""The camera loop: frames from every source in turn, through the recognizer, smoothed, to the sinks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2

from ..result import Origin, Result
from ..sinks.protocol import Notice, Sink
from ..sources.protocol import Source
from .blanks import Blanks
from .control import Control, LoopStatus, SourceStatus
from .feeds import Feeds
from .model_slot import ModelSlot
from .outlets import Outlets
from .pace import Pace
from .sdnotify import SystemdNotifier
from .smoothing import Announcer, Smoother, backgrounds
from .summary import Tally

if TYPE_CHECKING:
    from .motion import MotionGate

__all__ = ["Lane", "LoopOptions", "Outcome", "run", "watch"]

QUIET_S = 0.01  # a quiet moment between two frames, in which `--engine auto` measures
SAYS_AGAIN = {"back": "recognizing"}  # what the service says of itself after a notice, where not the notice
LOOK_UP_S = 0.2  # how often a loop without frames looks whether it is to end


@dataclass
class Lane:
    """One source's way through the loop, with the state that is kept for it."""

    source: Source
    model: ModelSlot
    motion: MotionGate | None = None
    unmoved: int = 0  # frames that were passed over because nothing had moved in them
    stills: bool = False  # pictures that have nothing to do with one another: nothing is smoothed or announced
    smoother: Smoother = field(default_factory=Smoother)
    announcer: Announcer = field(default_factory=Announcer)
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True)
class LoopOptions:
    """What holds for a whole run."""

    duration_s: float | None = None
    device: str = ""  # the stable id that results carry


@dataclass(frozen=True)
class Outcome:
    """What a run amounted to."""

    summary: dict[str, Any]
    failures: tuple[str, ...]  # sinks that failed, in words
    source_failed: bool  # one of several could not be opened or read
    blocked: bool  # a capture still hangs in a driver


def watch(
    lanes: Sequence[Lane],
    control: Control,
    options: LoopOptions,
    *,
    feeds: Feeds,
    pace: Pace,
    stop: Callable[[], bool] = lambda: False,
    alive: Callable[[], None] = lambda: None,
    idle: Callable[[], None] = lambda: None,
) -> Generator[Result]:
    """Results as they come, until every source has ended, the duration is over, or `stop` says so."""
    cv2.setNumThreads(1)
    by_feed = dict(zip(feeds.feeds, lanes, strict=True))
    unsettled = list({id(lane.model): lane.model for lane in lanes}.values())
    with feeds:
        for model in unsettled:
            model.load()  # while the sources open
        ends = time.monotonic() + (options.duration_s or float("inf"))
        while not stop() and (left := ends - time.monotonic()) > 0:
            if unsettled and lanes[0].tally.processed and feeds.quiet and unsettled[0].improve(QUIET_S):
                unsettled.pop(0)
            got = feeds.take(min(LOOK_UP_S, left))
            if got is None:
                feeds.check()
                if feeds.over:
                    return
                idle()
                continue
            feed, waiting = got
            frame, lane, settings = waiting.frame, by_feed[feed], control.settings(feed.name)
            feed.not_before = pace.next(feed.not_before, settings.max_fps)
            alive()
            if settings.paused:
                feed.not_before = time.monotonic() + LOOK_UP_S
                continue
            if not lane.tally.processed and settings.region is not None:
                settings.region.check(*frame.size, feed.name)
            if lane.motion is not None and not lane.motion.changed(frame.image, settings.region, frame.position_s):
                lane.unmoved += 1
                continue
            with lane.model.in_use() as recognizer:
                manifest = recognizer.bundle.manifest
                seen = recognizer.recognize(frame, region=settings.region, threshold=settings.threshold)
            rows, announced = seen.recognitions, None
            standing: tuple[str, ...] = ()
            if not lane.stills:
                rows = lane.smoother.smooth(rows, settings.smoothing, manifest, settings.threshold)
                announced = lane.announcer.hear(rows, settings.agree, backgrounds(manifest))
                standing = lane.announcer.standing
            stages = {"capture": waiting.capture_ms, **seen.stages}
            age_ms = (time.monotonic() - frame.captured) * 1e3
            origin = Origin(options.device, manifest.name, manifest.content_version)
            result = Result(frame, rows, stages, age_ms, announced, origin, seen.view, standing=standing)
            lane.tally.add(result)
            yield result


def run(
    lanes: Sequence[Lane],
    sinks: Sequence[Sink],
    control: Control,
    options: LoopOptions,
    *,
    pace: Pace,
    log: Callable[[str], None],
    stop: Callable[[], bool] = lambda: False,
    hear: Callable[[Result], None] | None = None,
    begun: Callable[[], None] = lambda: None,
) -> Outcome:
    """Watch, hand every result to the sinks, and sum up; `hear` misses none and must be quick."""
    live = {lane.source.name: lane.source.live for lane in lanes}
    started, first, blanks = time.time(), True, Blanks()
    said: tuple[str, ...] = ()  # of the models' notes
    with SystemdNotifier() as systemd, Outlets(sinks, stop, log) as outlets:

        def tell(notice: Notice) -> None:
            log(notice.text)
            systemd.say(SAYS_AGAIN.get(notice.kind, notice.text))
            outlets.notice(notice)

        def idle() -> None:
            """No frame came: a service whose camera is away does its work as long as it looks for it."""
            if feeds.tried:
                systemd.alive()
            if first and feeds.away:
                systemd.ready()

        feeds = Feeds([lane.source for lane in lanes], tell, patient=systemd.asked)
        models = list({id(lane.model): lane.model for lane in lanes}.values())
        control.attach(
            lambda: _status(lanes, feeds, outlets, pace, started),
            lambda name: _swap(models, name),
        )
        with contextlib.closing(
            watch(lanes, control, options, feeds=feeds, pace=pace, stop=stop, alive=systemd.alive, idle=idle)
        ) as results:
            for result in results:
                if first:
                    first = False
                    begun()
                    systemd.ready("recognizing")
                    said = tuple(note for model in models for note in model.notes)
                    for note in said:
                        log(note)
                if (doubt := blanks.hear(result)) is not None:
                    log(doubt)
                if hear is not None:
                    hear(result)
                outlets.put(result, wait=not live[result.frame.source])
                for text in pace.news():
                    tell(Notice(result.frame.source, "slowed", text, time.time()))
                if outlets.over:
                    break
    for note in (note for model in models for note in model.notes if note not in said):
        log(note)
    tally = Tally.of_all([lane.tally for lane in lanes])
    captured = sum(feed.slot.captured for feed in feeds.feeds)
    recoveries = sum(feed.recoveries for feed in feeds.feeds)
    unmoved = sum(lane.unmoved for lane in lanes) if any(lane.motion for lane in lanes) else None
    skipped = captured - tally.processed
    summary = tally.to_json(captured=captured, skipped=skipped, recoveries=recoveries, unmoved=unmoved)
    return Outcome(summary, outlets.failures, feeds.failed(stopped=stop()), feeds.blocked)


def _swap(models: Sequence[ModelSlot], name: str) -> None:
    for model in models:
        model.swap(name)


def _status(lanes: Sequence[Lane], feeds: Feeds, outlets: Outlets, pace: Pace, started: float) -> LoopStatus:
    first = lanes[0].model
    engine, precision = first.running
    sources = tuple(
        SourceStatus(
            name=feed.name,
            live=feed.live,
            connected=feed.connected,
            captured=feed.slot.captured,
            processed=lane.tally.processed,
            skipped=feed.slot.captured - lane.tally.processed - len(feed.slot),
            recoveries=feed.recoveries,
            fps=lane.tally.recent_fps,
            age_ms=lane.tally.last_age_ms,
            stages_ms=lane.tally.last_stages,
        )
        for lane, feed in zip(lanes, feeds.feeds, strict=True)
    )
    return LoopStatus(first.name, engine, precision, started, sources, pace.reading, outlets.status, pace.slowed_to)
