"""The camera loop: frames from every source in turn, through the recognizer, smoothed, to the sinks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2

from ..frame import Frame
from ..result import Origin, Result
from ..sinks.protocol import Notice, Sink
from .blanks import Blanks
from .control import Control, Settings
from .endings import with_endings
from .feeds import Feeds
from .lane import Lane, models_of
from .lessons import LaneLessons
from .model_swap import swap_model
from .outlets import Outlets
from .pace import Pace
from .sdnotify import SystemdNotifier
from .shown_classes import only_classes
from .slot import Waiting
from .smoothing import backgrounds
from .status import loop_status
from .summary import Tally

__all__ = ["LoopOptions", "Outcome", "run", "watch"]

QUIET_S = 0.01  # a quiet moment between two frames, in which `--engine auto` measures
SAYS_AGAIN = {"back": "recognizing"}  # what the service says of itself after a notice, where not the notice
LOOK_UP_S = 0.2  # how often a loop without frames looks whether it is to end


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
    with feeds:
        for model in models_of(lanes):
            model.load()  # while the sources open
        ends = time.monotonic() + (options.duration_s or float("inf"))
        while not stop() and (left := ends - time.monotonic()) > 0:
            if lanes[0].tally.processed and feeds.quiet:
                _improve(lanes)
            got = feeds.take(min(LOOK_UP_S, left))
            if got is None:
                feeds.check()
                if feeds.over:
                    yield from _ends(lanes, control, options)
                    return
                idle()
                continue
            feed, waiting = got
            frame, lane = waiting.frame, by_feed[feed]
            if not lane.tally.processed:
                _settle_region(control, feed.name, frame)
            settings = control.settings(feed.name)
            feed.not_before = pace.next(feed.not_before, settings.max_fps)
            alive()
            if settings.paused:
                if not feed.live:  # a file goes on where it was paused
                    feed.slot.put_back(waiting)
                feed.not_before = time.monotonic() + LOOK_UP_S
                continue
            looked_at = _looked_at(lane, waiting, settings)
            if looked_at is not None:
                yield _recognized(lane, looked_at, settings, capture_ms=waiting.capture_ms, device=options.device)


def _ends(lanes: Sequence[Lane], control: Control, options: LoopOptions) -> Generator[Result]:
    """A file's last frame is looked at though nothing moved in it: what is saved and timed goes on to its end."""
    for lane in lanes:
        if (last := lane.passed_over) is not None:
            lane.passed_over, lane.unmoved = None, lane.unmoved - 1
            frame = last.frame if lane.mask is None else lane.mask.hide(last.frame)
            settings = control.settings(lane.source.name)
            yield _recognized(lane, frame, settings, capture_ms=last.capture_ms, device=options.device)


def _settle_region(control: Control, source: str, frame: Frame) -> None:
    """A region in pixels is one in fractions from the first frame on, as the page and the results have them."""
    region = control.settings(source).region
    if region is not None and not region.in_fractions:
        region.check(*frame.size, source)
        control.change(source, region=region.as_fractions(*frame.size))


def _looked_at(lane: Lane, waiting: Waiting, settings: Settings) -> Frame | None:
    """The frame without what is masked, at the lines and zones of now; None where nothing moved in it."""
    frame, lane.passed_over = waiting.frame, None
    if settings.places is not lane.places and settings.places is not None and lane.place is not None:
        lane.place(settings.places)
    if lane.mask is not None:
        frame = lane.mask.hide(frame)
    if lane.motion is not None and not lane.motion.changed(frame.image, settings.region, frame.position_s):
        lane.unmoved += 1
        lane.passed_over = None if lane.source.live or lane.stills else waiting
        return None
    return frame


def _recognized(lane: Lane, frame: Frame, settings: Settings, *, capture_ms: float, device: str) -> Result:
    """What is seen in a frame, steadied by what was seen before, counted over lines and zones."""
    with lane.recognizer() as recognizer:
        manifest = recognizer.bundle.manifest
        seen = recognizer.recognize(frame, region=settings.region, threshold=settings.threshold, follower=lane.follower)
    rows, announced = seen.recognitions, None
    standing: tuple[str, ...] = ()
    if not lane.stills:
        rows = lane.smoother.smooth(rows, settings.smoothing, manifest, settings.threshold)
    rows = only_classes(rows, settings.classes)
    if not lane.stills:
        announced = lane.announcer.hear(rows, settings.agree, backgrounds(manifest), moment_s=frame.moment_s)
        standing = lane.announcer.standing
    stages = {"capture": capture_ms, **seen.stages}
    age_ms = (time.monotonic() - frame.captured) * 1e3
    origin = Origin(device, manifest.name, manifest.content_version)
    events = () if lane.watch is None else lane.watch.see(rows, frame.moment_s, frame.size)
    result = Result(
        *(frame, rows, stages, age_ms, announced, origin, seen.view, events),
        watched={} if lane.watch is None else lane.watch.standing,
        standing=standing,
    )
    lane.tally.add(result)
    return result


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
            """No frame came: a service whose camera is away, or that is to look seldom, does its work all the same."""
            if feeds.tried or feeds.held_back:
                systemd.alive()
            if first and feeds.away:
                systemd.ready()

        feeds = Feeds([lane.source for lane in lanes], tell, patient=systemd.asked)
        control.attach(
            lambda: loop_status(lanes, feeds, outlets, pace=pace, started=started),
            lambda name, source: swap_model(lanes, name, source),
            LaneLessons(lanes),
        )
        with contextlib.closing(
            watch(lanes, control, options, feeds=feeds, pace=pace, stop=stop, alive=systemd.alive, idle=idle)
        ) as results:
            for result in with_endings(results, lanes):
                if first:
                    first = False
                    begun()
                    systemd.ready("recognizing")
                    said = _tell_notes(lanes, log)
                if (doubt := blanks.hear(result)) is not None:
                    log(doubt)
                if hear is not None:
                    hear(result)
                outlets.put(result, wait=not live[result.frame.source])
                for text in pace.news():
                    tell(Notice(result.frame.source, "slowed", text, time.time()))
                if outlets.over:
                    break
        for feed in feeds.feeds:
            if feed.slot.captured:  # who was there is there no more, as far as anybody knows
                outlets.notice(Notice(feed.name, "ended", f"{feed.name}: is not watched any more", time.time()))
    _tell_notes(lanes, log, said)
    return Outcome(
        _summary(lanes, feeds, outlets.dropped), outlets.failures, feeds.failed(stopped=stop()), feeds.blocked
    )


def _tell_notes(lanes: Sequence[Lane], log: Callable[[str], None], before: Sequence[str] = ()) -> tuple[str, ...]:
    """Say what was assumed of the models that run, and what had to fall back, as far as it was not said before."""
    notes = tuple(note for model in models_of(lanes) for note in model.notes)
    for note in notes:
        if note not in before:
            log(note)
    return notes


def _summary(lanes: Sequence[Lane], feeds: Feeds, dropped: Mapping[str, int]) -> dict[str, Any]:
    """All sources' frames and times as the summary's JSON."""
    tally = Tally.of_all([lane.tally for lane in lanes])
    captured = sum(feed.slot.captured for feed in feeds.feeds)
    recoveries = sum(feed.recoveries for feed in feeds.feeds)
    unmoved = sum(lane.unmoved for lane in lanes) if any(lane.motion for lane in lanes) else None
    skipped = captured - tally.processed
    return tally.to_json(captured=captured, skipped=skipped, recoveries=recoveries, unmoved=unmoved, dropped=dropped)


def _improve(lanes: Sequence[Lane]) -> None:
    """Let `--engine auto` look for a faster engine in a quiet moment."""
    for lane in lanes:
        if not lane.model.settled:
            lane.model.improve(QUIET_S)
            return
